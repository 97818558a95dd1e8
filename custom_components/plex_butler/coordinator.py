"""Does what buttons and actions ask of a server's Butler."""

import asyncio
from collections.abc import Awaitable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TIME_ZONE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .const import WATCH
from .errors import action_error
from .models import ButlerData
from .plex import (
    PlexAuthenticationError,
    PlexError,
    PlexServer,
    Run,
    SettingValue,
    StartResult,
    StopResult,
)
from .reader import ButlerReader
from .runs import RunResult, ended, outcome

type PlexButlerConfigEntry = ConfigEntry[ButlerCoordinator]


class ButlerCoordinator(ButlerReader):
    """Knows one server, and how to start and stop its tasks."""

    config_entry: PlexButlerConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: PlexButlerConfigEntry, server: PlexServer
    ) -> None:
        """Initialize the coordinator."""
        super().__init__(hass, entry, server)
        # Tasks that were asked to stop from here since they were started.
        self._stopping: set[str] = set()
        self._time_zone: tzinfo | None = None

    @property
    def butler(self) -> ButlerCoordinator:
        """Return what the runtime data will hold."""
        return self

    @property
    def time_zone(self) -> tzinfo:
        """What the server's clocks show: its option, or as here."""
        return self._time_zone or dt_util.get_default_time_zone()

    async def async_read_settings(self) -> None:
        """Read the settings, and the time zone that they are meant in."""
        if name := self.config_entry.options.get(CONF_TIME_ZONE):
            self._time_zone = await dt_util.async_get_time_zone(name)
        await self._settings.read()

    async def get_butler_tasks(self) -> ButlerData:
        """Read the server now, whatever the polling."""
        data = await self._translated(self._read())
        self.async_set_updated_data(data)
        return data

    async def start_task(self, name: str) -> StartResult:
        """Start a task."""
        requested = dt_util.utcnow()
        result = await self._do(self._server.start_task(name))
        self._stopping.discard(name)
        self._take_in(
            self._watch.confirm(
                name,
                requested,
                dt_util.utcnow(),
                started=result is StartResult.STARTED,
            )
        )
        return result

    async def run_task(self, name: str, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 -- it is the user's, and has a result
        """Start a task, wait until it has ended, and return how (see waiting.py)."""
        requested = dt_util.utcnow()
        with self._waiters.wait_for(name) as inbox:
            started = await self.start_task(name) is StartResult.STARTED
            since = requested if started else None
            try:
                async with asyncio.timeout(timeout):
                    run = await ended(inbox, since)
            except TimeoutError:
                return outcome(RunResult.TIMED_OUT, Run(name=name, started=since))
        if name in self._stopping:
            return outcome(RunResult.STOPPED, run)
        return outcome(
            RunResult.FINISHED if started else RunResult.ALREADY_RUNNING, run
        )

    async def stop_task(self, name: str) -> StopResult:
        """Stop a task; Plex finishes the item it is working on first."""
        with self._asking_to_stop({name}):
            result = await self._do(self._server.stop_task(name))
        stopped = result is StopResult.STOPPED
        self._take_in(self._watch.stop(name, dt_util.utcnow(), was_running=stopped))
        return result

    async def start_all_tasks(self) -> None:
        """Start every task that is enabled and due."""
        await self._do(self._server.start_all_tasks())

    async def stop_all_tasks(self) -> None:
        """Stop what runs and empty the queue."""
        with self._asking_to_stop(self._watch.maintenance.running):
            await self._do(self._server.stop_all_tasks())
        self._watch.stop_all(dt_util.utcnow())

    async def set_settings(self, values: Mapping[str, SettingValue]) -> None:
        """Change settings of the server, all in one request.

        What became of them is known then, and what that does to the tasks soon after.
        """
        try:
            await self._translated(self._settings.write(values))
        finally:
            self._look_often_until = dt_util.utcnow() + WATCH
            self._refresh_soon()

    @contextmanager
    def _asking_to_stop(self, names: Collection[str]) -> Iterator[None]:
        """Remember who is asked to stop: a run may end before the server answers."""
        self._stopping.update(names)
        self._stops.update({*names} & self._watch.maintenance.running)
        self._publish()
        try:
            yield
        except HomeAssistantError:
            self._stopping.difference_update(names)
            self._stops.difference_update(names)
            self._publish()
            raise

    async def _translated[T](self, request: Awaitable[T]) -> T:
        """Wait for a user's request, and put its failure in the user's words."""
        try:
            return await request
        except PlexError as err:
            if isinstance(err, PlexAuthenticationError):
                self.config_entry.async_start_reauth(self.hass)
            raise action_error(err, self.name) from err

    async def _do[T](self, request: Awaitable[T]) -> T:
        """Wait for a user's request, then look what it led to, even if it failed.

        The first look comes as soon as Plex can show something, more follow for a
        while.
        """
        try:
            return await self._translated(request)
        finally:
            self._look_often_until = dt_util.utcnow() + WATCH
            self._look_soon()
