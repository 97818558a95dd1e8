"""Calendars of Butler for Plex."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerConfigEntry, PlexButlerRuntimeData
from .entity import ButlerEntity, WindowEntity, async_add_listed_entities, has_hours
from .helpers import translate
from .history import RecordedRun, RunOutcome
from .logbook import describe_run
from .plex import WindowSetting

PARALLEL_UPDATES = 0

# To find the next window in, which a clock change may put off.
NEXT_WINDOW = timedelta(days=3)
MAX_AHEAD = timedelta(days=366)

MAINTENANCE_WINDOWS = CalendarEntityDescription(
    key="maintenance_windows",
    translation_key="maintenance_windows",
    initial_color="#e5a00d",
)
TASK_RUNS = CalendarEntityDescription(
    key="task_runs", translation_key="task_runs", initial_color="#2a9d8f"
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendars of a server."""
    settings = entry.runtime_data.settings

    def create() -> Iterator[WindowCalendar]:
        if has_hours(settings, *WindowSetting):
            yield WindowCalendar(settings, MAINTENANCE_WINDOWS)

    async_add_entities([RunCalendar(entry.runtime_data, TASK_RUNS)])
    await async_add_listed_entities(
        entry, settings, async_add_entities, [MAINTENANCE_WINDOWS], create
    )


class WindowCalendar(WindowEntity, CalendarEntity):
    """The maintenance windows to come."""

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the window that is open, or opens next."""
        now = dt_util.utcnow()
        return next(self._events(now, now + NEXT_WINDOW), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the windows in a period. It is not known when the past ones were."""
        now = dt_util.utcnow()
        return [*self._events(max(start_date, now), min(end_date, now + MAX_AHEAD))]

    def _events(self, since: datetime, until: datetime) -> Iterator[CalendarEvent]:
        if window := self.coordinator.window:
            server = self.coordinator.config_entry.title
            for opens, closes in window.between(since, until):
                yield CalendarEvent(
                    start=dt_util.as_local(opens),
                    end=dt_util.as_local(closes),
                    summary=translate(self.hass, "maintenance_of", server=server),
                )


class RunCalendar(ButlerEntity, CalendarEntity):
    """The runs of the tasks."""

    def __init__(
        self,
        runtime_data: PlexButlerRuntimeData,
        description: CalendarEntityDescription,
    ) -> None:
        """Initialize the calendar."""
        super().__init__(runtime_data.butler, description)
        self._history = runtime_data.history

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the history, which changes after the coordinator's data."""
        await super().async_added_to_hass()
        self.async_on_remove(self._history.subscribe(self._handle_run))

    @callback
    def _handle_run(self, _run: RecordedRun) -> None:
        self.async_write_ha_state()

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the run that began last of those that have not ended.

        When it will end is not known. To end it now would write a state every moment.
        """
        now = dt_util.now()
        tomorrow = dt_util.start_of_local_day(now + timedelta(days=1))
        for run in self._history.running():
            event = self._event(run, tomorrow)
            if event.start > now:
                # Home Assistant compares local times. When clocks go back, it would wait
                # for a start that is over, again and again, for up to an hour.
                event.start = dt_util.start_of_local_day(now)
            return event
        return None

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the runs in a period, the oldest first."""
        now = dt_util.utcnow()
        runs = self._history.between(start_date, end_date)
        return [self._event(run, now) for run in reversed(runs)]

    def _event(self, run: RecordedRun, now: datetime) -> CalendarEvent:
        """Return the event of a run; one whose end was missed takes no time."""
        start = run.first_seen
        end = start if run.result is RunOutcome.UNKNOWN else run.finished or now
        title = self.coordinator.data.title(run.name)
        became = describe_run(self.hass, run.result, run.duration)
        begins, ends = dt_util.as_local(start), dt_util.as_local(end)
        return CalendarEvent(
            start=begins,
            # In local time, a run may seem to end before it began: clocks go back.
            end=max(ends, begins),
            summary=title,
            description=f"{title} {became}",
        )
