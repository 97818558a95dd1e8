"""Coordinator of a server's Butler: polls, pushes and commands."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, override

from yarl import URL

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import (
    BUSY_INTERVAL,
    DOMAIN,
    FAST_POLLING,
    IDLE_INTERVAL,
    LIVE_INTERVAL,
    LOGGER,
    PROGRESS_INTERVAL,
    REFRESH_DELAY,
    TOLERATED_TIMEOUTS,
)
from .devices import (
    async_register_server,
    async_remove_stale_tasks,
    async_update_version,
)
from .errors import action_error, poll_error
from .helpers import BackgroundRefresh
from .models import ButlerData
from .plex import (
    ActivityEvent,
    ButlerWatch,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexServer,
    PlexTimeoutError,
    Run,
    ServerIdentity,
    StartResult,
    StopResult,
)
from .recovery import async_handle_failure, async_handle_success
from .runs import RunFeed, RunResult, run_response, wait_for_end

if TYPE_CHECKING:
    from .settings import ButlerSettingsCoordinator

type PlexButlerConfigEntry = ConfigEntry[PlexButlerRuntimeData]


@dataclass(frozen=True, kw_only=True)
class PlexButlerRuntimeData:
    """The coordinators of a loaded config entry."""

    butler: ButlerCoordinator
    settings: ButlerSettingsCoordinator


class ButlerCoordinator(DataUpdateCoordinator[ButlerData]):
    """Reads the Butler of one server, and starts and stops its tasks.

    Polls and pushes both go into ButlerWatch. What it makes of them is published, and
    the runs reported, in `async_update_listeners`.
    """

    config_entry: PlexButlerConfigEntry
    device_id: str
    identity: ServerIdentity
    stream_up = False
    """Whether the server pushes changes at the moment."""

    def __init__(
        self, hass: HomeAssistant, entry: PlexButlerConfigEntry, server: PlexServer
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
        self.runs = RunFeed()
        self._server = server
        self._watch = ButlerWatch()
        # Runs that are reported as soon as the states are written.
        self._unreported: list[Run] = []
        self._timeouts = 0
        self._fast_polling_until = dt_util.utcnow()
        self.refresh = BackgroundRefresh(self, REFRESH_DELAY)
        self._cancel_publish: CALLBACK_TYPE | None = None

    @property
    def server_url(self) -> URL:
        """The address of the server."""
        return self._server.url

    # Poll

    @override
    async def _async_setup(self) -> None:
        """Identify the server, and register its device."""
        try:
            self.identity = await self._server.get_identity()
            name = await self._server.get_name()
        except PlexError as err:
            raise self._poll_failed(err) from err
        self.device_id = async_register_server(
            self.hass, self.config_entry, self.identity, name, self.server_url
        )

    @override
    async def _async_update_data(self) -> ButlerData:
        """Poll the server."""
        self.update_interval = IDLE_INTERVAL
        try:
            await self._read()
        except (PlexTimeoutError, PlexBusyError) as err:
            return self._tolerate(err)
        except PlexError as err:
            raise self._poll_failed(err) from err
        self._poll_succeeded()
        if dt_util.utcnow() < self._fast_polling_until:
            self.update_interval = BUSY_INTERVAL
        elif self.stream_up:
            self.update_interval = LIVE_INTERVAL
        elif self._watch.maintenance.active:
            self.update_interval = BUSY_INTERVAL
        return self._snapshot()

    async def _read(self) -> None:
        """Read the tasks, and what the server is doing."""
        begun = dt_util.utcnow()
        tasks = {task.name: task for task in await self._server.get_butler_tasks()}
        activities = await self._server.get_activities()
        self._timeouts = 0
        self._unreported += self._watch.read(tasks, activities, begun, dt_util.utcnow())

    def _snapshot(self) -> ButlerData:
        return ButlerData(
            tasks=self._watch.tasks,
            maintenance=self._watch.maintenance,
            last_started=dict(self._watch.last_started),
            last_finished=dict(self._watch.last_finished),
        )

    def _poll_succeeded(self) -> None:
        """Update devices, and delete issues and dialogs that are no longer needed."""
        async_handle_success(self.hass, self.config_entry)
        for flow in self.config_entry.async_get_active_flows(
            self.hass, {SOURCE_REAUTH}
        ):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])
        if self._server.identity and self._server.identity != self.identity:
            self.identity = self._server.identity
            async_update_version(self.hass, self.device_id, self.identity.version)
        async_remove_stale_tasks(
            self.hass, self.device_id, self.identity, self._watch.tasks
        )

    def _poll_failed(self, err: PlexError) -> HomeAssistantError:
        """Start the recovery of the server; return the error to raise."""
        async_handle_failure(self.hass, self.config_entry, err)
        return poll_error(err, self.name)

    def _tolerate(self, err: PlexTimeoutError | PlexBusyError) -> ButlerData:
        """Keep the last data until there are too many timeouts in a row."""
        self._timeouts += 1
        if not (self.data and self.last_update_success) or (
            self._timeouts > TOLERATED_TIMEOUTS
        ):
            raise poll_error(err, self.name) from err
        if isinstance(err, PlexBusyError) and err.retry_after is not None:
            self.update_interval = timedelta(seconds=err.retry_after)
        return self.data

    @callback
    def poll_faster(self) -> None:
        """Poll faster for a while, because a change is expected."""
        self._fast_polling_until = dt_util.utcnow() + FAST_POLLING

    # Push

    @callback
    def process_activities(self, events: Iterable[ActivityEvent]) -> None:
        """Process changed activities, which the server pushed in one frame."""
        self._apply(self._watch.hear(events, dt_util.utcnow()))

    @callback
    def set_stream(self, *, up: bool) -> None:
        """Refresh when the stream connects or ends: changes may have been missed."""
        self._watch.stream(up=up, now=dt_util.utcnow())
        if self.stream_up != up:
            self.stream_up = up
            self.refresh.now()

    # Publish

    @callback
    def _apply(self, runs: list[Run]) -> None:
        """Publish the current state, and report runs that began or ended."""
        self._unreported += runs
        self._publish()

    @callback
    def _publish(self, now: datetime | None = None) -> None:
        """Update entities, throttling changes of progress alone.

        `now` is given when the interval between two of these is over.
        """
        if now:
            self._cancel_publish = None
        data = self._snapshot()
        if data == self.data or not self.last_update_success:
            return
        only_progress = data.without_progress() == self.data.without_progress()
        if only_progress and self._cancel_publish:
            return
        # Not async_set_updated_data, which would put off the next poll.
        self.data = data
        self.async_update_listeners()
        if only_progress:
            self._cancel_publish = async_call_later(
                self.hass, PROGRESS_INTERVAL, self._publish
            )

    @override
    @callback
    def async_update_listeners(self) -> None:
        """Write the states, then report the runs that changed them."""
        super().async_update_listeners()
        runs, self._unreported = self._unreported, []
        self.runs.notify(runs)

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Fail pending waits when the server becomes unavailable."""
        if isinstance(self.last_exception, HomeAssistantError) and (
            not self.last_update_success
        ):
            self.runs.fail(self.last_exception)

    @override
    async def async_shutdown(self) -> None:
        """Stop all timers, and fail pending waits."""
        await super().async_shutdown()
        self.refresh.shut_down()
        if self._cancel_publish:
            self._cancel_publish()
        self.runs.fail(
            HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="unloaded",
                translation_placeholders={"server": self.name},
            )
        )

    # Commands

    async def get_butler_tasks(self) -> ButlerData:
        """Read the server now."""
        with self.action_errors():
            await self._read()
        self.async_set_updated_data(self._snapshot())
        return self.data

    async def start_task(self, name: str) -> StartResult:
        """Start a task."""
        requested = dt_util.utcnow()
        async with self._command():
            result = await self._server.start_task(name)
        started = result is StartResult.STARTED
        self._apply(
            self._watch.confirm_start(
                name, requested, dt_util.utcnow(), started=started
            )
        )
        return result

    async def run_task(self, name: str, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 -- a timeout of the user's, which has a result
        """Start a task, wait until it ends, and return the response of the action."""
        requested = dt_util.utcnow()
        with self.runs.queue() as queue:
            started = await self.start_task(name) is StartResult.STARTED
            since = requested if started else None
            try:
                async with asyncio.timeout(timeout):
                    run = await wait_for_end(queue, name, since)
            except TimeoutError:
                run = Run(name=name, started=since)
                return run_response(RunResult.TIMED_OUT, run)
        if run.stopped:
            return run_response(RunResult.STOPPED, run)
        result = RunResult.FINISHED if started else RunResult.ALREADY_RUNNING
        return run_response(result, run)

    async def stop_task(self, name: str) -> StopResult:
        """Stop a task. Plex finishes the item it is working on first."""
        with self._watch.stopping([name]):
            async with self._command():
                result = await self._server.stop_task(name)
        was_running = result is StopResult.STOPPED
        self._apply(
            self._watch.confirm_stop(name, dt_util.utcnow(), was_running=was_running)
        )
        return result

    async def start_all_tasks(self) -> None:
        """Start every task that is enabled and due."""
        async with self._command():
            await self._server.start_all_tasks()

    async def stop_all_tasks(self) -> None:
        """Stop all running tasks and empty the queue."""
        with self._watch.stopping(self._watch.maintenance.running):
            async with self._command():
                await self._server.stop_all_tasks()
        self._watch.confirm_stop_all(dt_util.utcnow())

    @asynccontextmanager
    async def _command(self) -> AsyncIterator[None]:
        """Translate the errors of a request, and refresh after it, even if it failed."""
        try:
            with self.action_errors():
                yield
        finally:
            self.poll_faster()
            self.refresh.soon()

    @contextmanager
    def action_errors(self) -> Iterator[None]:
        """Translate the errors of a user's request; start reauthentication if needed."""
        try:
            yield
        except PlexError as err:
            if isinstance(err, PlexAuthenticationError):
                self.config_entry.async_start_reauth(self.hass)
            raise action_error(err, self.name) from err
