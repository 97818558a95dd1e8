"""How a server shows its Butler: what is not documented, for reports of problems.

It is bounded, and contains no text of the server but types of activities and the names of
tasks. Nothing here does I/O or reads a clock: every method is given the time it is about.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from .activities import DONE_DELAY, FULL
from .events import ActivityChange, ActivityEvent
from .maintenance import TaskFinder
from .models import Activity, ButlerTask, StartResult
from .window import MaintenanceWindow

MAX_FRAMES = 200
MAX_STARTS = 20
# A start that showed nothing for so long showed nothing.
START_TIMEOUT = timedelta(seconds=60)


class Row(StrEnum):
    """When the server lists the Butler's own activity."""

    UNKNOWN = "unknown"
    ONLY_IN_RUNS = "only_in_runs"
    STAYS = "stays"
    """It was seen at 100 % for longer than it takes to begin the next task."""


class Frame(NamedTuple):
    """One pushed activity of the Butler, or one that may be the work of a task."""

    seconds: float
    """Since the first one."""
    event: str
    type: str
    title_is_task: bool
    subtitle_is_task: bool
    progress: float | None
    has_parent: bool
    """Whether the Butler's own activity was listed."""


@dataclass(kw_only=True, slots=True)
class Start:
    """One request to start a task."""

    name: str
    requested: datetime
    in_window: bool | None
    """Whether it was in the maintenance window; None if that is not known."""
    result: StartResult | None = None
    """None if the request failed."""
    shown_after: float | None = None
    """Seconds until the server showed the Butler at work."""
    named_after: float | None = None
    """Seconds until it showed this task."""


class Observations:
    """What a server showed since it was set up."""

    def __init__(self) -> None:
        """Initialize without any observation."""
        self._finder = TaskFinder({})
        self._row = Row.UNKNOWN
        # The Butler's own activity, if it is listed, and since when it is at 100 %.
        self._parent: Activity | None = None
        self._full_since: datetime | None = None
        self._first: datetime | None = None
        self._frames: deque[Frame] = deque(maxlen=MAX_FRAMES)
        self._starts: deque[Start] = deque(maxlen=MAX_STARTS)

    def read(
        self,
        tasks: Mapping[str, ButlerTask],
        activities: Sequence[Activity],
        now: datetime,
    ) -> None:
        """Note a full read."""
        self._finder = TaskFinder(tasks)
        parent = next(filter(self._finder.is_parent, activities), None)
        if self._parent and not parent:
            self._note_end(now)
        elif parent:
            self._note_parent(parent, now)
        self._note_starts(activities, now)

    def hear(self, events: Sequence[ActivityEvent], now: datetime) -> None:
        """Note the last events of one frame."""
        events = events[-MAX_FRAMES:]
        for event in events:
            activity = event.activity
            if self._finder.is_parent(activity):
                if event.change is not ActivityChange.ENDED:
                    self._note_parent(activity, now)
                elif self._parent:
                    self._note_end(now)
            if self._finder.is_butlers(activity) or self._finder.is_hint(activity):
                self._add_frame(event, now)
        self._note_starts(
            [e.activity for e in events if e.change is not ActivityChange.ENDED], now
        )

    def start(
        self, name: str, window: MaintenanceWindow | None, now: datetime
    ) -> Start:
        """Note a request to start a task; return it, to note its result."""
        in_window = window.is_open(now) if window else None
        start = Start(name=name, requested=now, in_window=in_window)
        self._starts.append(start)
        return start

    def as_dict(self) -> dict[str, Any]:
        """Return all observations."""
        tasks = self._finder.tasks.values()
        return {
            "row": self._row,
            "tasks": len(tasks),
            "with_title": sum(task.title is not None for task in tasks),
            "with_description": sum(task.description is not None for task in tasks),
            "starts": [_without_time(start) for start in self._starts],
            "frames": {"columns": Frame._fields, "rows": [*self._frames]},
        }

    def _add_frame(self, event: ActivityEvent, now: datetime) -> None:
        activity = event.activity
        self._first = self._first or now
        self._frames.append(
            Frame(
                seconds=(now - self._first).total_seconds(),
                event=event.change,
                type=activity.type,
                title_is_task=self._finder.find(activity.title) is not None,
                subtitle_is_task=self._finder.find(activity.subtitle) is not None,
                progress=activity.progress,
                has_parent=self._parent is not None,
            )
        )

    def _note_parent(self, parent: Activity, now: datetime) -> None:
        """Note that the Butler's own activity is listed."""
        if parent.progress != FULL:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        elif now - self._full_since >= DONE_DELAY:
            self._row = Row.STAYS
        self._parent = parent

    def _note_end(self, now: datetime) -> None:
        """Note that it is no longer listed."""
        full_for = now - (self._full_since or now)
        if self._row is Row.UNKNOWN and full_for < DONE_DELAY:
            self._row = Row.ONLY_IN_RUNS
        self._parent = self._full_since = None

    def _note_starts(self, activities: Iterable[Activity], now: datetime) -> None:
        """Note that the server shows the Butler at work after a start."""
        starts = [
            start
            for start in self._starts
            if start.named_after is None and now - start.requested <= START_TIMEOUT
        ]
        if not starts:
            return
        shown = self._finder.observe(a for a in activities if a.progress != FULL)
        for start in starts:
            seconds = (now - start.requested).total_seconds()
            if shown.active and start.shown_after is None:
                start.shown_after = seconds
            if start.name in shown.running:
                start.named_after = seconds


def _without_time(start: Start) -> dict[str, Any]:
    return {key: value for key, value in asdict(start).items() if key != "requested"}
