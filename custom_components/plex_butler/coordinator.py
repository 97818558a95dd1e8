"""Coordinator of a server's Butler: polls, pushes and commands."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, override

from yarl import URL

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .authentication import async_forget_refusals, async_handle_refusal
from .const import (
    BUSY_INTERVAL,
    DOMAIN,
    FAST_POLLING,
    FLOOD_BURST,
    FLOOD_INTERVAL,
    FLOOD_RUNS,
    IDLE_INTERVAL,
    LIVE_INTERVAL,
    LOGGER,
    PROGRESS_INTERVAL,
    REFRESH_DELAY,
    REFUSED_INTERVAL,
    TOLERATED_FAILURES,
)
from .devices import (
    async_register_server,
    async_update_tasks,
    async_update_version,
)
from .errors import TEMPORARY_ERRORS, action_error, poll_error
from .helpers import BackgroundRefresh, Timer
from .models import ButlerData
from .names import complete_tasks
from .plex import (
    Activity,
    ActivityEvent,
    ButlerTask,
    ButlerWatch,
    Observations,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexServer,
    Run,
    ServerIdentity,
    StartResult,
    StopResult,
)
from .recovery import async_handle_failure, async_handle_success
from .runs import (
    RunFeed,
    RunResult,
    run_response,
    running_between,
    wait_for_end,
)

if TYPE_CHECKING:
    from .history import RunHistory
    from .settings import ButlerSettingsCoordinator

type PlexButlerConfigEntry = ConfigEntry[PlexButlerRuntimeData]


@dataclass(frozen=True, kw_only=True)
class PlexButlerRuntimeData:
    """The coordinators of a loaded config entry."""

    butler: ButlerCoordinator
    settings: ButlerSettingsCoordinator
    history: RunHistory


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
        # Of the last request about a task, until it has ended.
        self.contexts: dict[str, Context | None] = {}
        self._server = server
        self._watch = ButlerWatch()
        self.observations = Observations()
        # The listed tasks, with titles and descriptions.
        self._tasks: Mapping[str, ButlerTask] = {}
        # Runs that are reported as soon as the states are written.
        self._unreported: list[Run] = []
        self._failures = 0
        self._activities_failed = False
        self._fast_polling_until = dt_util.utcnow()
        self.refresh = BackgroundRefresh(self, REFRESH_DELAY)
        self._look_timer = Timer(hass, self._look)
        self._publish_timer = Timer(hass, self._publish)
        # The tasks last written as running, and when (time of the event loop).
        self._written_running: frozenset[str] = frozenset()
        self._written_at = 0.0
        # Up to when the writes so far would last at one per FLOOD_INTERVAL (time of the
        # event loop).
        self._flood_until = 0.0

    @property
    def server_url(self) -> URL:
        """The address of the server."""
        return self._server.url

    @property
    def answers(self) -> Mapping[str, int]:
        """How often each request to start or stop had each answer."""
        return self._server.answers

    # Poll

    @override
    async def _async_setup(self) -> None:
        """Identify the server, and register its device."""
        try:
            self.identity = await self._server.get_identity()
        except PlexError as err:
            raise self._poll_failed(err) from err
        try:
            name = await self._server.get_name()
        except PlexError as err:
            name = ""
            LOGGER.info("The name of %s cannot be read (%s)", self.name, err)
        self.device_id = async_register_server(
            self.hass, self.config_entry, self.identity, name, self.server_url
        )

    @override
    async def _async_update_data(self) -> ButlerData:
        """Poll the server."""
        self.update_interval = IDLE_INTERVAL
        try:
            await self._read()
        except PlexError as err:
            if not self._is_tolerable(err):
                raise self._poll_failed(err) from err
            return self.data
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
        async_forget_refusals(self.hass, self.config_entry)
        activities = await self._read_activities()
        self._failures = 0
        now = dt_util.utcnow()
        if activities is not None:
            self.observations.read(tasks, activities, now)
        self._unreported += self._watch.read(tasks, activities, begun, now)
        self._tasks = complete_tasks(self.hass, self._watch.tasks)

    async def _read_activities(self) -> tuple[Activity, ...] | None:
        """Read the activities; None if that fails: tasks can be used without them."""
        try:
            activities = await self._server.get_activities()
        except PlexError as err:
            if not self._activities_failed:
                self._activities_failed = True
                LOGGER.info("The activities of %s cannot be read (%s)", self.name, err)
            return None
        self._activities_failed = False
        return activities

    def _snapshot(self) -> ButlerData:
        return ButlerData(
            tasks=self._tasks,
            maintenance=self._watch.maintenance,
            # Without what else is known of them, which may change with every frame.
            current_runs={
                name: Run(name=name, started=run.started)
                for name, run in self._watch.current_runs.items()
            },
            last_runs=dict(self._watch.last_runs),
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
        async_update_tasks(self.hass, self.device_id, self.identity, self._tasks)

    def _poll_failed(self, err: PlexError) -> HomeAssistantError:
        """Start the recovery of the server; return the error to raise."""
        if not isinstance(err, PlexAuthenticationError):
            async_forget_refusals(self.hass, self.config_entry)
        async_handle_failure(self.hass, self.config_entry, err)
        return poll_error(err, self.name)

    def _is_tolerable(self, err: PlexError) -> bool:
        """Return whether to keep the last data, until an error was repeated too often."""
        if isinstance(err, PlexAuthenticationError):
            tolerable = not async_handle_refusal(self.hass, self.config_entry)
            self.update_interval = IDLE_INTERVAL if tolerable else REFUSED_INTERVAL
        else:
            self._failures += 1
            tolerable = isinstance(err, TEMPORARY_ERRORS) and (
                self._failures <= TOLERATED_FAILURES
            )
        if not (tolerable and self.data and self.last_update_success):
            return False
        if isinstance(err, PlexBusyError) and err.retry_after is not None:
            self.update_interval = timedelta(seconds=err.retry_after)
        return True

    @callback
    def poll_faster(self) -> None:
        """Poll faster for a while, because a change is expected."""
        self._fast_polling_until = dt_util.utcnow() + FAST_POLLING

    # Push

    @callback
    def process_activities(self, events: Sequence[ActivityEvent]) -> None:
        """Process changed activities, which the server pushed in one frame."""
        now = dt_util.utcnow()
        self.observations.hear(events, now)
        self._unreported += self._watch.hear(events, now)
        self._unreported = self._unreported[-FLOOD_RUNS:]
        self._publish(self._flood_delay())

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
    def _publish(self, delay: float = 0) -> None:
        """Update entities, after a delay if only the progress changed recently."""
        self._schedule_look()
        # While polls fail, no state changes, but runs are reported: later they are old.
        data = self._snapshot() if self.last_update_success else self.data
        if data == self.data and not self._unreported:
            return
        if data.without_progress() == self.data.without_progress() and (
            not self._unreported
        ):
            delay = self._written_at + PROGRESS_INTERVAL - self.hass.loop.time()
        if delay > 0:
            self._publish_timer.schedule(delay)
            return
        # Not async_set_updated_data, which would put off the next poll.
        self.data = data
        self.async_update_listeners()

    def _flood_delay(self) -> float:
        """Return the seconds to wait if there were many writes in a short time."""
        return self._flood_until - FLOOD_BURST - self.hass.loop.time()

    @callback
    def _schedule_look(self) -> None:
        """Call `_look` when the watch needs it."""
        self._look_timer.cancel()
        if due := self._watch.due:
            self._look_timer.schedule((due - dt_util.utcnow()).total_seconds())

    @callback
    def _look(self) -> None:
        """Process that the server pushed no change for some time."""
        self._apply(self._watch.look(dt_util.utcnow()))

    @override
    @callback
    def async_update_listeners(self) -> None:
        """Write the states, then report the runs that changed them."""
        self._schedule_look()
        self._publish_timer.cancel()
        self._written_at = now = self.hass.loop.time()
        self._flood_until = max(self._flood_until, now) + FLOOD_INTERVAL
        runs, self._unreported = self._unreported, []
        if final := self.data:
            # A task that started and ended in one go is written as running first.
            for running in running_between(self._written_running, runs):
                self.data = final.with_running(running)
                super().async_update_listeners()
            self.data = final
            self._written_running = final.maintenance.running
        super().async_update_listeners()
        self.runs.notify(runs)
        self._drop_contexts(run.name for run in runs if run.finished)

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Look again when needed; fail waits when the server becomes unavailable."""
        # The listeners are not updated if the data are the same.
        self._schedule_look()
        if isinstance(self.last_exception, HomeAssistantError) and (
            not self.last_update_success
        ):
            self.runs.fail(self.last_exception)

    @override
    async def async_shutdown(self) -> None:
        """Stop all timers, and fail pending waits."""
        await super().async_shutdown()
        self.refresh.shut_down()
        self._look_timer.cancel()
        self._publish_timer.cancel()
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

    async def start_task(self, name: str, context: Context | None) -> StartResult:
        """Start a task."""
        requested = dt_util.utcnow()
        window = self.config_entry.runtime_data.settings.window
        start = self.observations.start(name, window, requested)
        with self._attribute([name], context):
            with self._watch.starting(name):
                async with self._command():
                    start.result = result = await self._server.start_task(name)
            started = result is StartResult.STARTED
            self._apply(
                self._watch.confirm_start(
                    name, requested, dt_util.utcnow(), started=started
                )
            )
        return result

    async def run_task(
        self,
        name: str,
        context: Context | None,
        timeout: float,  # noqa: ASYNC109 -- a timeout of the user's, which has a result
    ) -> dict[str, Any]:
        """Start a task, wait until it ends, and return the response of the action."""
        requested = dt_util.utcnow()
        with self.runs.queue() as queue:
            started = await self.start_task(name, context) is StartResult.STARTED
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

    async def stop_task(self, name: str, context: Context | None) -> StopResult:
        """Stop a task. Plex finishes the item it is working on first."""
        with self._attribute([name], context):
            async with self._stop_command([name]):
                result = await self._server.stop_task(name)
            running = result is StopResult.STOPPED
            self._apply(
                self._watch.confirm_stop(name, dt_util.utcnow(), was_running=running)
            )
        return result

    async def start_all_tasks(self) -> None:
        """Start every task that is enabled and due."""
        async with self._command():
            await self._server.start_all_tasks()

    async def stop_all_tasks(self, context: Context | None) -> None:
        """Stop all running tasks and empty the queue."""
        running = self._watch.maintenance.running
        with self._attribute(running, context):
            async with self._stop_command(running):
                await self._server.stop_all_tasks()
        self._watch.confirm_stop_all(dt_util.utcnow())

    @contextmanager
    def _attribute(
        self, names: Collection[str], context: Context | None
    ) -> Iterator[None]:
        """Attribute how tasks change to the context of a request, unless it fails."""
        before = {name: self.contexts.get(name) for name in names}
        self.contexts.update(dict.fromkeys(names, context))
        try:
            yield
        except BaseException:
            self.contexts.update(before)
            raise
        finally:
            self._drop_contexts(names)

    def _drop_contexts(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._watch.maintenance.running:
                self.contexts.pop(name, None)

    @asynccontextmanager
    async def _command(self) -> AsyncIterator[None]:
        """Translate the errors of a request, and refresh after it, even if it failed."""
        try:
            with self.action_errors():
                yield
        finally:
            self.poll_faster()
            self.refresh.soon()

    @asynccontextmanager
    async def _stop_command(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Show tasks as stopping from before the request, unless it fails."""
        try:
            with self._watch.stopping(names):
                self._publish()
                async with self._command():
                    yield
        finally:
            self._publish()

    @contextmanager
    def action_errors(self) -> Iterator[None]:
        """Translate the errors of a user's request; start reauthentication if needed."""
        try:
            yield
        except PlexError as err:
            if isinstance(err, PlexAuthenticationError):
                async_handle_refusal(self.hass, self.config_entry)
            raise action_error(err, self.name) from err
