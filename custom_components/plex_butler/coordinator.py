"""Coordinator of a server's Butler: polls and pushes."""

from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, override

from yarl import URL

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .authentication import async_forget_refusals, async_handle_refusal
from .commands import ButlerCommands
from .const import (
    BUSY_INTERVAL,
    DOMAIN,
    FAST_POLLING,
    IDLE_INTERVAL,
    LIVE_INTERVAL,
    LOGGER,
    REFRESH_DELAY,
    REFUSED_INTERVAL,
    TOLERATED_FAILURES,
)
from .devices import (
    async_register_server,
    async_update_tasks,
    async_update_version,
)
from .errors import action_error, is_temporary, poll_error, retry_delay
from .helpers import BackgroundRefresh, Timer
from .models import ButlerData, Topic
from .names import complete_tasks
from .plex import (
    Activity,
    ActivityEvent,
    ButlerTask,
    ButlerWatch,
    Observations,
    PlexAuthenticationError,
    PlexError,
    PlexServer,
    Run,
    ServerIdentity,
)
from .publisher import Publisher
from .recovery import async_handle_failure, async_handle_success

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
    """Reads the Butler of one server. `commands` starts and stops its tasks.

    Polls and pushes both go into ButlerWatch. What it makes of them is published, and
    the runs reported, in `async_update_listeners`: see Publisher.
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
        self._server = server
        self._watch = ButlerWatch()
        self.commands = ButlerCommands(self, server, self._watch)
        self._publisher = Publisher(self, super().async_update_listeners)
        self.runs = self._publisher.runs
        self.observations = Observations()
        # The listed tasks, with titles and descriptions.
        self._tasks: Mapping[str, ButlerTask] = {}
        self._failures = 0
        self._activities_failed = False
        self._fast_polling_until = dt_util.utcnow()
        self.refresh = BackgroundRefresh(self, REFRESH_DELAY)
        self._look_timer = Timer(hass, self._look)

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
        before = self.data
        self.update_interval = IDLE_INTERVAL
        try:
            await self._read()
        except PlexError as err:
            if not self._is_tolerable(err):
                raise self._poll_failed(err) from err
            return self.data
        if dt_util.utcnow() < self._fast_polling_until:
            self.update_interval = BUSY_INTERVAL
        elif self.stream_up:
            self.update_interval = LIVE_INTERVAL
        elif self._watch.maintenance.active:
            self.update_interval = BUSY_INTERVAL
        data = self.snapshot()
        if self.data is not before:
            # The base class compares with the data before the read, not with a push.
            self.data = data
            self.async_update_listeners()
        return data

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
        self._publisher.add_runs(self._watch.read(tasks, activities, begun, now))
        self._tasks = complete_tasks(self.hass, self._watch.tasks)
        self._read_succeeded()

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

    def snapshot(self) -> ButlerData:
        """Return the data as they are now, whether published or not."""
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

    def _read_succeeded(self) -> None:
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
            tolerable = is_temporary(err) and self._failures <= TOLERATED_FAILURES
        if not (tolerable and self.data and self.last_update_success):
            return False
        if delay := retry_delay(err):
            self.update_interval = delay
        return True

    @callback
    def poll_faster(self) -> None:
        """Poll faster for a while, because a change is expected."""
        self._fast_polling_until = dt_util.utcnow() + FAST_POLLING

    # Push

    @callback
    def process_activities(self, events: Sequence[ActivityEvent]) -> None:
        """Process changed activities, which the server pushed in a frame or a part of it."""
        now = dt_util.utcnow()
        self.observations.hear(events, now)
        runs = self._watch.hear(events, now)
        self._schedule_look()
        self._publisher.publish_pushed(runs)

    @callback
    def set_stream(self, *, up: bool) -> None:
        """Refresh when the stream connects or ends: changes may have been missed."""
        self._watch.stream(up=up, now=dt_util.utcnow())
        if self.stream_up != up:
            self.stream_up = up
            self.refresh.now()

    # Publish

    @callback
    def publish(self, runs: Iterable[Run] = ()) -> None:
        """Publish the current state, and report runs that began or ended."""
        self._schedule_look()
        self._publisher.add_runs(runs)
        self._publisher.publish()

    @callback
    def publish_delayed(self) -> None:
        """Report the runs whose report is delayed, if there are any."""
        self._publisher.publish_delayed()

    @callback
    def _schedule_look(self) -> None:
        """Call `_look` when the watch needs it."""
        self._look_timer.cancel()
        if due := self._watch.due:
            self._look_timer.schedule((due - dt_util.utcnow()).total_seconds())

    @callback
    def _look(self) -> None:
        """Process that the server pushed no change for some time."""
        self.publish(self._watch.look(dt_util.utcnow()))

    @override
    @callback
    def async_add_listener(
        self, update_callback: CALLBACK_TYPE, context: Collection[Topic] | None = None
    ) -> CALLBACK_TYPE:
        """Listen for updates about any of the topics in `context`; None for all."""
        listener = self._publisher.filtered(update_callback, context)
        return super().async_add_listener(listener, context)

    @override
    @callback
    def async_update_listeners(self) -> None:
        """Write the states, then report the runs that changed them."""
        self._schedule_look()
        runs = self._publisher.write()
        self.commands.drop_contexts(run.name for run in runs if run.finished)

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
        self._look_timer.shut_down()
        self._publisher.shut_down()
        self.runs.fail(
            HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="unloaded",
                translation_placeholders={"server": self.name},
            )
        )

    # Requests of users

    async def get_butler_tasks(self) -> ButlerData:
        """Read the server now."""
        with self.action_errors():
            await self._read()
        self.async_set_updated_data(self.snapshot())
        return self.data

    @contextmanager
    def action_errors(self) -> Iterator[None]:
        """Translate the errors of a user's request; start reauthentication if needed."""
        try:
            yield
        except PlexError as err:
            if isinstance(err, PlexAuthenticationError):
                async_handle_refusal(self.hass, self.config_entry)
            raise action_error(err, self.name) from err
