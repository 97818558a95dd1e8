"""A home with one server, and a fault that comes and goes."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
import json
from pathlib import Path
import re
from typing import Any

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from tests.common import (
    BACKUP,
    BACKUP_ENABLED,
    WEBSOCKET,
    Tick,
    choose,
    settle,
    states,
    submit,
    typed,
)
from tests.simulator import PlexSimulator, PlexTvSimulator
from tests.simulator.http_server import HttpServer

from .faults import HowPlayed, Names, Outage

HOST = "plex.test"
FINE = "fine"
# Seconds: longer than any request may take, and than anything is put off.
TIMEOUT = 16
INTERVALS = (61, 301, 3601)
ROOT = Path(__file__).parents[2]
TEXTS = json.loads(
    (ROOT / f"custom_components/{DOMAIN}/translations/en.json").read_text()
)["config"]


@dataclass(kw_only=True)
class House:
    """A home with one server, and a fault that comes and goes."""

    hass: HomeAssistant
    tick: Tick
    plex: PlexSimulator
    plex_tv: PlexTvSimulator
    names: Names
    fault: HowPlayed
    of_websocket: bool

    @property
    def entry(self) -> Any:
        """The server's config entry."""
        (entry,) = self.hass.config_entries.async_entries(DOMAIN)
        return entry

    @property
    def butler(self) -> Any:
        """The server's coordinator."""
        return self.entry.runtime_data.butler

    @property
    def reauth(self) -> list[Any]:
        """The dialogs that ask to sign in again."""
        return self.hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_REAUTH}
        )

    async def begin(
        self,
        path: str | None = None,
        method: str | None = None,
        server: HttpServer | None = None,
    ) -> None:
        """Put the fault in force, for these requests where it is one of an answer."""
        if isinstance(self.fault, Outage):
            await self.fault.begin(server or self.plex, self.names)
        elif self.of_websocket:
            self.plex.websocket_refusal = None
            self.plex.inject(self.fault, WEBSOCKET)
        else:
            (server or self.plex).inject(self.fault, path, method)

    async def end(self) -> None:
        """Take the fault back."""
        self.names.known = True
        for server in (self.plex, self.plex_tv):
            server.clear_faults()
            if isinstance(self.fault, Outage):
                await server.stop()
                await server.start()
        self.plex.websocket_refusal = 404
        self.plex.kick()
        await settle(self.hass)

    async def recover(self) -> None:
        """See that all is well by itself once the fault is gone."""
        await self.end()
        for name in list(self.plex.butler.running):
            self.plex.finish(name)
        self.plex.change_settings(ButlerTaskBackupDatabase="1")
        self.plex.requests.clear()
        for seconds in INTERVALS:
            await self.tick(seconds)
            if self._is_well():
                break
        else:
            raise AssertionError("it does not recover")
        if self.of_websocket:  # A bad websocket is there all the time.
            await self.begin()
            await self.pass_time(61)

    def _is_well(self) -> bool:
        """Return whether the server has just been read, and nothing is unknown."""
        return (
            self.entry.state is ConfigEntryState.LOADED
            and states(self.hass, BACKUP) == ["idle"]
            and states(self.hass, BACKUP_ENABLED)[0] in ("on", "off")
            and "/butler" in {request.raw_path for request in self.plex.requests}
            and not self.reauth
        )

    async def pass_time(self, seconds: float) -> None:
        """Let time go by, and requests that begin then come to their end."""
        await self.tick(seconds)
        await self.tick(TIMEOUT)

    async def see(self, request: Coroutine[Any, Any, Any]) -> Any:
        """Return what a request leads to: its result, or the key of its error."""
        task = asyncio.ensure_future(request)
        await settle(self.hass)
        for _ in range(8):
            if task.done():
                break
            await self.tick(TIMEOUT)
        assert task.done(), "it never ends"
        (answer,) = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(answer, BaseException):
            return answer
        if not isinstance(answer, HomeAssistantError):
            raise answer
        assert answer.translation_domain == DOMAIN
        assert not re.search("[{}]", str(answer))
        return answer.translation_key

    async def fill_in(self, result: Any) -> Any:
        """Fill in a form as the user did before; go back to it from a menu."""
        if result["type"] is FlowResultType.MENU:
            result = await choose(self.hass, result, "other_address")
        values = typed(self.plex, **{CONF_URL: f"http://{HOST}:{self.plex.port}"})
        fields = {str(key) for key in result["data_schema"].schema}
        return await submit(
            self.hass, result, **{k: v for k, v in values.items() if k in fields}
        )


def shown(result: Any) -> str:
    """Return what a dialog shows; each of its texts is there and complete."""
    if result["type"] is FlowResultType.CREATE_ENTRY:
        return FINE
    if result["type"] is FlowResultType.ABORT:
        return str(result["reason"]).replace("reauth_successful", FINE)
    texts = json.dumps(TEXTS["step"][result["step_id"]])
    given = result["description_placeholders"] or {}
    assert set(re.findall(r"{(\w+)}", texts)) <= set(given)
    for field, key in (result.get("errors") or {}).items():
        assert key in TEXTS["error"]
        return f"{field}: {key}"
    return f"menu {result['step_id']}"
