"""Reads a server's Butler and listens to it."""

from collections.abc import Coroutine
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .const import (
    BUSY_INTERVAL,
    IDLE_INTERVAL,
    LIVE_INTERVAL,
    LOGGER,
    LOOK_DELAY,
    TOLERATED_TIMEOUTS,
)
from .devices import async_register_server, async_remove_stale_tasks
from .errors import poll_error
from .models import ButlerData
from .plex import (
    ActivityEvent,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexServer,
    PlexTimeoutError,
    ServerIdentity,
    SettingEvent,
    StreamUp,
    listen,
)
from .publisher import ButlerPublisher
from .recovery import Recovery


class ButlerReader(ButlerPublisher):
    """Learns of one server: its tasks, what runs and what ran."""

    identity: ServerIdentity
    device_id: str

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, server: PlexServer
    ) -> None:
        """Initialize the coordinator."""
        super().__init__(hass, entry, server)
        self.streaming = False
        self._recovery = Recovery(hass, entry)
        self._timeouts = 0
        self._look_often_until = dt_util.utcnow()
        self._cancel_look: CALLBACK_TYPE | None = None

    # Reading

    @override
    async def _async_setup(self) -> None:
        """Find out who the server is, and give it its device."""
        try:
            await self._identify()
            name = await self._server.get_name()
        except PlexError as err:
            raise await self._lost(err) from err
        self.device_id = async_register_server(
            self.hass, self.config_entry, self.identity, name, self.server_url
        )

    async def _identify(self) -> None:
        """Read who answers, which must be the server this entry is for."""
        self.identity = await self._server.get_identity(self.config_entry.unique_id)

    async def _lost(self, err: PlexError) -> HomeAssistantError:
        """Do what can be done for the server; return what the poll is to raise."""
        if self.config_entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
            await self._recovery.fail(err)
        else:
            self._in_background(self._recovery.fail(err), "search")
        return poll_error(err, self.name)

    @override
    async def _async_update_data(self) -> ButlerData:
        """Poll the server."""
        self.update_interval = IDLE_INTERVAL
        try:
            if not self.last_update_success:
                await self._reidentify()
            data = await self._read_own()
        except (PlexTimeoutError, PlexBusyError) as err:
            return self._tolerate(err)
        except PlexError as err:
            raise await self._lost(err) from err
        self._timeouts = 0
        self._recovery.succeed()
        async_remove_stale_tasks(self.hass, self.device_id, self.identity, data.tasks)
        if self._settings.due:
            self._in_background(self._settings.read(), "settings refresh")
        if dt_util.utcnow() < self._look_often_until:
            self.update_interval = BUSY_INTERVAL
        elif self.streaming:
            self.update_interval = LIVE_INTERVAL
        elif data.maintenance.active:
            self.update_interval = BUSY_INTERVAL
        return data

    async def _read_own(self) -> ButlerData:
        """Read; what another server at this address says of the token is not heard."""
        try:
            return await self._read()
        except PlexAuthenticationError, PlexForbiddenError:
            await self._identify()
            raise

    async def _read(self) -> ButlerData:
        """Return what the server says, together with all else that is known."""
        begun = dt_util.utcnow()
        tasks = {task.name: task for task in await self._server.get_butler_tasks()}
        activities = await self._server.get_activities()
        runs = self._watch.read(tasks, activities, begun, dt_util.utcnow())
        self._stops.difference_update(run.name for run in runs)
        # Who hears of a run shall find the states right: they are written before that.
        self.hass.loop.call_soon(self._report, runs)
        return self._known()

    async def _reidentify(self) -> None:
        """Look again who answers: the server may be back with a new version."""
        await self._identify()
        self._settings.expire()
        dr.async_get(self.hass).async_update_device(
            self.device_id, sw_version=self.identity.version
        )

    def _tolerate(self, err: PlexTimeoutError | PlexBusyError) -> ButlerData:
        """Keep what is known: slow is not down, until it has been for too long."""
        self._timeouts += 1
        if not (self.data and self.last_update_success) or (
            self._timeouts > TOLERATED_TIMEOUTS
        ):
            raise poll_error(err, self.name) from err
        if isinstance(err, PlexBusyError) and err.retry_after is not None:
            self.update_interval = timedelta(seconds=err.retry_after)
        return self.data

    # Hearing

    async def async_listen(self) -> None:
        """Take in what the server tells by itself, for as long as it has us."""
        told = False
        async with aclosing(listen(self._server)) as events:
            async for event in events:
                match event:
                    case ActivityEvent():
                        self._take_in(self._watch.hear(event, dt_util.utcnow()))
                    case SettingEvent(id=setting_id):
                        self._hear_of_setting(setting_id)
                    case StreamUp():
                        told = False
                        self._set_streaming(up=True)
                    case _:
                        self._set_streaming(up=False)
                        if event.error and not told:
                            told = True
                            LOGGER.info(
                                "%s does not tell what it does by itself (%s), "
                                "so it is polled",
                                self.name,
                                event.error,
                            )

    @callback
    def _set_streaming(self, *, up: bool) -> None:
        """Read anew when the stream comes or goes: what happened meanwhile is unknown."""
        self._watch.stream(up=up, now=dt_util.utcnow())
        if self.streaming != up:
            self.streaming = up
            self._refresh_soon()

    @callback
    def _hear_of_setting(self, setting_id: str) -> None:
        """Read the settings, and the tasks, if it is not of our own doing."""
        if not self._settings.is_writing(setting_id):
            self._settings.expire()
            self._look_soon()

    @callback
    def _look_soon(self) -> None:
        """Read as soon as Plex can show what was set in motion."""
        if self._cancel_look:
            self._cancel_look()
        if not self._shutdown_requested:
            self._cancel_look = async_call_later(
                self.hass, LOOK_DELAY, self._refresh_soon
            )

    @callback
    def _refresh_soon(self, _now: datetime | None = None) -> None:
        self._in_background(self.async_refresh(), "refresh")

    @callback
    def _in_background(self, work: Coroutine[Any, Any, None], what: str) -> None:
        self.config_entry.async_create_background_task(
            self.hass, work, f"{self.name} - {what}"
        )

    @override
    async def async_shutdown(self) -> None:
        """Stop polling and looking."""
        await super().async_shutdown()
        if self._cancel_look:
            self._cancel_look()
