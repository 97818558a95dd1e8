"""Fixtures of the Home Assistant side: a real server and a real entry."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from ssl import SSLContext
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, settings
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion
from yarl import URL

from custom_components.plex_butler.plex import account, connection, discovery
from homeassistant.components import network
from homeassistant.components.network import Adapter
from homeassistant.core import HomeAssistant
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util.ssl import get_default_context

from .common import (
    DIRECT_HASH,
    RENEWED_HASH,
    Hung,
    PlexTv,
    Tick,
    make_entry,
    settle,
)
from .idle_loop import IdleLoop
from .simulator import Authority, GdmResponder, PlexSimulator, PlexTvSimulator

# When a test begins that says nothing else: in no maintenance window, and in Home
# Assistant's time zone here, Los Angeles, in the middle of a day.
NOW = "2026-07-08T19:34:56.789Z"
# All examples of a test share its fixtures, and a busy machine does not make a test fail.
_ANY = settings(
    deadline=None,
    print_blob=True,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# The same examples every time, and for `scripts/test --thorough` always others.
settings.register_profile("default", _ANY, max_examples=500, derandomize=True)
settings.register_profile("thorough", _ANY, max_examples=20_000)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests begin at another moment, such as before a change of the clocks."""
    parser.addoption("--now", default=NOW, help=f"when tests begin (default: {NOW})")


def pytest_asyncio_loop_factories() -> dict[str, type[IdleLoop]]:
    """Run all tests in a loop that can be waited for until it is idle."""
    return {"idle": IdleLoop}


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave the debug mode of asyncio off, which doubles the time of a test.

    With PYTHONASYNCIODEBUG=1, as every night, it is on.
    """


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Who issues certificates, which Home Assistant trusts if a test says so.

    Made once, before any test stops the clock, which a certificate cannot be made with.
    """
    return Authority()


@pytest.fixture(scope="session")
def self_signed(authority: Authority) -> SSLContext:
    """What a server speaks TLS with that no one should trust, least under its address."""
    return authority.valid_for("server.invalid")


@pytest.fixture(scope="session")
def direct_tls(authority: Authority) -> SSLContext:
    """What a Plex server speaks TLS with: valid for its plex.direct names only."""
    return authority.direct(DIRECT_HASH)


@pytest.fixture(scope="session")
def renewed_tls(authority: Authority) -> SSLContext:
    """The same, after the server's certificate has been renewed."""
    return authority.direct(RENEWED_HASH)


@pytest.fixture
def interfaces(monkeypatch: pytest.MonkeyPatch) -> list[Adapter]:
    """The network interfaces of Home Assistant: none, unless a test puts one in."""
    adapters: list[Adapter] = []
    monkeypatch.setattr(network, "async_get_adapters", AsyncMock(return_value=adapters))
    return adapters


@pytest.fixture
def freezer(
    freezer: FrozenDateTimeFactory, request: pytest.FixtureRequest
) -> FrozenDateTimeFactory:
    """Time, which stands still at the same moment in every run."""
    if request.node.get_closest_marker("freeze_time") is None:
        freezer.move_to(request.config.getoption("--now"))
    return freezer


@pytest.fixture
def hass(
    freezer: FrozenDateTimeFactory, interfaces: list[Adapter], hass: HomeAssistant
) -> HomeAssistant:
    """Home Assistant, with time standing still until a test lets it go by.

    The event loop's clock stands still too, so it must do so from the start.
    """
    hass.data.pop(DATA_CUSTOM_COMPONENTS)
    return hass


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Leave out of snapshots what differs from run to run."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def plex(
    hass: HomeAssistant, socket_enabled: None
) -> AsyncIterator[PlexSimulator]:
    """A Plex Media Server without a websocket, so that it has to be polled."""
    async with PlexSimulator() as simulator:
        simulator.websocket_refusal = 404
        yield simulator


@pytest.fixture
def trusted(authority: Authority) -> None:
    """Let Home Assistant trust who issues the certificates here."""
    authority.trust(get_default_context())


@pytest.fixture
async def gdm(
    interfaces: list[Adapter], socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[GdmResponder]:
    """A network that can be searched, with nobody on it."""
    interfaces.append(
        Adapter(
            name="lo",
            index=0,
            enabled=True,
            auto=True,
            default=True,
            ipv4=[{"address": "127.0.0.1", "network_prefix": 8}],
            ipv6=[],
        )
    )
    async with GdmResponder() as gdm:

        async def sleep(_seconds: float) -> None:
            await gdm.wait_for_search()
            for _ in range(3):  # The replies are there, and have to be taken in.
                await asyncio.sleep(0)

        clock = SimpleNamespace(sleep=sleep, get_running_loop=asyncio.get_running_loop)
        monkeypatch.setattr(discovery, "asyncio", clock)
        monkeypatch.setattr(discovery, "GDM_ADDRESS", gdm.address)
        yield gdm


@pytest.fixture
async def plex_tv(
    hass: HomeAssistant,
    tick: Tick,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[PlexTv]:
    """plex.tv, with an account that has no server."""
    async with PlexTvSimulator() as simulator:
        url = URL(simulator.url) / "api/v2"
        monkeypatch.setattr(account, "PLEX_TV_URL", url)
        monkeypatch.setattr(account, "PLEX_TV_CLIENTS_URL", url)
        yield PlexTv(hass, simulator, tick)


@pytest.fixture
def entry(hass: HomeAssistant, plex: PlexSimulator) -> MockConfigEntry:
    """The server's config entry, not yet set up."""
    entry = make_entry(plex)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """The server's config entry, set up."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


@pytest.fixture
def tick(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Tick:
    """Let time go by, and everything happen that is due then."""

    async def tick(seconds: float) -> None:
        freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(hass)
        await settle(hass)

    return tick


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on at once after a setting was changed: the clock stands still."""
    monkeypatch.setattr(connection, "PAUSE", 0)


@pytest.fixture
def hung(tick: Tick, hass: HomeAssistant) -> Hung:
    """See a request through that the server takes and never answers."""

    async def hung(request: Awaitable[Any]) -> Any:
        task = asyncio.ensure_future(request)
        await settle(hass)
        await tick(16)
        return await task

    return hung


@pytest.fixture
async def live(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> MockConfigEntry:
    """The server's config entry, set up, with the stream connected and all read."""
    # A leap of the clock leaves no time for an answer to a ping.
    monkeypatch.setattr(connection, "HEARTBEAT", 1e9)
    plex.websocket_refusal = None
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry
