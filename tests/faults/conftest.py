"""Fixtures of the faults: servers that are known by their names only."""

from collections.abc import AsyncIterator
from dataclasses import replace
import socket
from typing import Any

from aiohttp.abc import ResolveResult
from aiohttp.resolver import AsyncResolver
import pytest
from yarl import URL

from custom_components.plex_butler.plex import account
from homeassistant.core import HomeAssistant
from tests.common import Tick
from tests.simulator import (
    PlexSimulator,
    PlexTvSimulator,
    default_settings,
    default_tasks,
)

from .faults import FAULTS, Names
from .house import HOST, House

PLEX_TV = "plex-tv.test"
TASKS = ("BackupDatabase", "OptimizeDatabase")
SETTINGS = ("ButlerStartHour", "ButlerEndHour", "ButlerTaskBackupDatabase")


@pytest.fixture
def names(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Names:
    """The names of the two servers; none is looked up but these."""
    names = Names()

    def find(host: str) -> None:
        assert host in (HOST, PLEX_TV)
        if not names.known:
            raise socket.gaierror(None, "Name or service not known")

    async def resolve(
        _: AsyncResolver, host: str, port: int, family: int = 0
    ) -> list[ResolveResult]:
        find(host)
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def getaddrinfo(host: str, port: int, **_: int) -> list[Any]:
        find(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(AsyncResolver, "resolve", resolve)
    monkeypatch.setattr(hass.loop, "getaddrinfo", getaddrinfo)
    return names


@pytest.fixture
async def house(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    tick: Tick,
    names: Names,
    no_pause: None,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[House]:
    """A home, a server with few tasks, and plex.tv; a fault is given by its names."""
    kind, name = request.param
    # In debug mode, the loop takes it for slow that a test lets time go by.
    hass.loop.set_debug(enabled=False)
    tasks = default_tasks()
    settings = default_settings()
    async with (
        PlexSimulator(
            tasks=[replace(tasks[task], duration=None) for task in TASKS],
            settings={key: settings[key] for key in SETTINGS},
        ) as plex,
        PlexTvSimulator() as plex_tv,
    ):
        url = URL(plex_tv.url).with_host(PLEX_TV) / "api/v2"
        monkeypatch.setattr(account, "PLEX_TV_URL", url)
        monkeypatch.setattr(account, "PLEX_TV_CLIENTS_URL", url)
        plex.websocket_refusal = 404
        yield House(
            hass=hass,
            tick=tick,
            plex=plex,
            plex_tv=plex_tv,
            names=names,
            fault=FAULTS[kind][name],
            of_websocket="websocket" in kind,
        )
