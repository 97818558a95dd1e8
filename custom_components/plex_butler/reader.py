"""Reads a server's Butler and listens to it."""

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, override

from yarl import URL

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import (
    BUSY_INTERVAL,
    DOMAIN,
    IDLE_INTERVAL,
    LIVE_INTERVAL,
    LOGGER,
    LOOK_DELAY,
    PROGRESS_INTERVAL,
    TOLERATED_TIMEOUTS,
)
from .data import ButlerData
from .devices import async_register_server, async_remove_stale_tasks
from .errors import poll_error
from .plex import (
    ActivityEvent,
    ButlerWatch,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexServer,
    PlexTimeoutError,
    Run,
    ServerIdentity,
    SettingEvent,
    StreamUp,
    listen,
)
from .recovery import Recovery
from .settings import ServerSettings
from .waiting import Waiters


class ButlerReader(DataUpdateCoordinator[ButlerData]):
    """Knows one server: its tasks, what runs and what ran.

    Polls and the stream both end in ButlerWatch; what that makes of them is the data.
    """

    config_entry: ConfigEntry
    identity: ServerIdentity
    device_id: str

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, server: PlexServer
    ) -> None:
        """Initialize the coordinator."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=IDLE_INTERVAL,
            always_update=False,
        )
        self.streaming = False
        self._server = server
        self._watch = ButlerWatch()
        self._recovery = Recovery(hass, entry)
        self._waiters = Waiters()
        self._run_listeners: list[Callable[[Run], None]] = []
        self._timeouts = 0
        self._look_often_until = dt_util.utcnow()
        self._cancel_publish: CALLBACK_TYPE | None = None
        self._cancel_look: CALLBACK_TYPE | None = None
        self._settings = ServerSettings(server, self.name, self._publish)

    @property
    def server_url(self) -> URL:
        """The address of the server."""
        return self._server.url

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
        # Who hears of a run shall find the states right: they are written before that.
        self.hass.loop.call_soon(self._report, runs)
        return self._known()

    def _known(self) -> ButlerData:
        return ButlerData(
            tasks=self._watch.tasks,
            maintenance=self._watch.maintenance,
            last_started=self._watch.last_started.copy(),
            last_finished=self._watch.last_finished.copy(),
            settings=self._settings.known,
        )

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

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Let nobody wait for a server that is lost."""
        if isinstance(self.last_exception, HomeAssistantError) and (
            not self.last_update_success
        ):
            self._waiters.fail(self.last_exception)

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

    @callback
    def async_add_run_listener(self, listener: Callable[[Run], None]) -> CALLBACK_TYPE:
        """Call a listener for every run that begins or ends; return how to end that."""
        self._run_listeners.append(listener)
        return lambda: self._run_listeners.remove(listener)

    @callback
    def _take_in(self, runs: list[Run]) -> None:
        """Publish what is known now, and then tell of the runs that began or ended."""
        self._publish()
        self._report(runs)

    @callback
    def _report(self, runs: list[Run]) -> None:
        for run in runs:
            for listener in self._run_listeners:
                listener(run)
            if run.finished:
                self._waiters.tell(run)

    @callback
    def _publish(self, _now: datetime | None = None) -> None:
        """Write states, but progress alone no more often than anybody can follow."""
        if _now:
            self._cancel_publish = None
        data = self._known()
        if data == self.data or not self.last_update_success:
            return
        only_progress = data.without_progress() == self.data.without_progress()
        if only_progress and self._cancel_publish:
            return
        # Not async_set_updated_data: what is heard does not put off the next poll.
        self.data = data
        self.async_update_listeners()
        if only_progress:
            self._cancel_publish = async_call_later(
                self.hass, PROGRESS_INTERVAL, self._publish
            )

    @override
    async def async_shutdown(self) -> None:
        """Stop polling; nobody waits for this server any more."""
        await super().async_shutdown()
        for cancel in (self._cancel_publish, self._cancel_look):
            if cancel:
                cancel()
        self._waiters.fail(
            HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="unloaded",
                translation_placeholders={"server": self.name},
            )
        )
