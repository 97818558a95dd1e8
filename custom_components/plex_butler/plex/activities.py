"""The activities of a server that say something about its Butler.

They are merged from full reads and pushed events. A row at 100 % is between two tasks or
done, so it is kept only if it was seen at work, and only for a while (docs/butler-row.md).
Nothing here does I/O or reads a clock: every method is given the time it is about.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from .events import ActivityChange, ActivityEvent
from .maintenance import TaskFinder
from .models import Activity

# After a longer time without information, anything may have happened.
MAX_GAP = timedelta(seconds=90)
# A row that has stayed at 100 % for so long is done.
DONE_DELAY = timedelta(seconds=5)
# A server does a handful of things at once; far more is not worth keeping. Half of it is
# for activities that are only hints, so that they leave room for the Butler's.
MAX_ACTIVITIES = 1024
MAX_HINTS = MAX_ACTIVITIES // 2
FULL = 100.0


class _Row(NamedTuple):
    """An activity, named as when last at work, and since when it is at 100 %."""

    activity: Activity
    full_since: datetime | None = None


class ActivityLog:
    """The current activities, and since when no change can have been missed."""

    def __init__(self) -> None:
        """Initialize without any activity."""
        self._rows: dict[str, _Row] = {}
        # When each activity was last pushed: a read that is older does not count.
        self._pushed: dict[str, datetime] = {}
        # Without a live stream, nothing was missed up to this time.
        self._complete_until: datetime | None = None
        self._up_since: datetime | None = None
        self._read_begun: datetime | None = None

    @property
    def at_work(self) -> list[Activity]:
        """The activities at work."""
        return [row.activity for row in self._rows.values() if not row.full_since]

    @property
    def shown(self) -> list[Activity]:
        """Those, and those between two tasks or done, named as when last at work."""
        return [row.activity for row in self._rows.values()]

    @property
    def due(self) -> datetime | None:
        """When the next of the paused activities is done."""
        return min(filter(None, map(self._done_at, self._rows.values())), default=None)

    @property
    def stream_up(self) -> bool:
        """Whether the stream is connected."""
        return self._up_since is not None

    @property
    def _live(self) -> bool:
        """Whether the stream is connected and a read has begun since it is."""
        return (
            self._up_since is not None
            and self._read_begun is not None
            and self._up_since <= self._read_begun
        )

    def missed_nothing(self, at: datetime) -> bool:
        """Return whether every change until a time is known."""
        if self._complete_until is None:
            return False
        return self._live or at - self._complete_until <= MAX_GAP

    def is_outdated(self, begun: datetime, now: datetime) -> bool:
        """Return whether a read that began later has been added already."""
        return self._read_begun is not None and begun < self._read_begun <= now

    def read(
        self,
        activities: Iterable[Activity],
        finder: TaskFinder,
        begun: datetime,
        now: datetime,
    ) -> list[Activity]:
        """Replace all activities but those pushed since the read began.

        Return those at work that were known before.
        """
        missed_nothing = self.missed_nothing(begun)
        known = self._rows
        self._pushed = {u: at for u, at in self._pushed.items() if at >= begun}
        self._rows = {u: known[u] for u in self._pushed if u in known}
        for index, activity in enumerate(activities):
            uuid = activity.uuid or f"#{index}"
            if uuid not in self._pushed:
                row = known.get(uuid) if missed_nothing else None
                if row and row.full_since and not self._done_at(row):
                    row = None  # This is the second look at it.
                self._put(uuid, activity, row, _limit(activity, finder), now)
        self._read_begun = begun
        self._complete_until = now
        return [a for a in self.at_work if a.uuid in known]

    def push(
        self, events: Iterable[ActivityEvent], finder: TaskFinder, now: datetime
    ) -> bool:
        """Apply pushed events; return whether they change anything."""
        missed_nothing = self.missed_nothing(now)
        changed = False
        for event in events:
            activity = event.activity
            uuid = activity.uuid
            limit = _limit(activity, finder)
            if not limit and uuid not in self._rows:
                continue
            self._pushed.pop(uuid, None)
            if len(self._pushed) >= MAX_ACTIVITIES:
                del self._pushed[next(iter(self._pushed))]  # the oldest
            self._pushed[uuid] = now
            row = self._rows.pop(uuid, None)
            if event.change is not ActivityChange.ENDED:
                known = row if missed_nothing else None
                self._put(uuid, activity, known, limit, now)
            changed = changed or self._rows.get(uuid) is not row
        return changed

    def expire(self, now: datetime) -> None:
        """Remove the activities that have been at 100 % for long enough."""
        for uuid, row in list(self._rows.items()):
            if (done_at := self._done_at(row)) and done_at <= now:
                del self._rows[uuid]

    def stream(self, *, up: bool, now: datetime) -> None:
        """Note that the stream is connected, or was until now.

        What happened before it was connected becomes known with the next read.
        """
        if self._live:
            self._complete_until = now
        self._up_since = now if up else None

    def forget(self, ended: Callable[[Activity], bool]) -> None:
        """Remove the activities that are known to have ended."""
        self._rows = {u: r for u, r in self._rows.items() if not ended(r.activity)}

    def _put(
        self,
        uuid: str,
        activity: Activity,
        known: _Row | None,
        limit: int,
        now: datetime,
    ) -> None:
        """Add an activity, if it is at work or was, and if there is room for it."""
        if activity.progress == FULL:
            if known and not known.full_since:
                known = _Row(replace(known.activity, progress=FULL), now)
            if known:
                self._rows[uuid] = known
        elif len(self._rows) < limit:
            self._rows[uuid] = _Row(activity)

    def _done_at(self, row: _Row) -> datetime | None:
        """Return when a paused activity is done, if the stream has shown it all the time."""
        if not row.full_since or not self._up_since or row.full_since < self._up_since:
            return None
        return row.full_since + DONE_DELAY


def _limit(activity: Activity, finder: TaskFinder) -> int:
    """Return how many activities there may be for one more of its kind to be kept."""
    if finder.is_butlers(activity):
        return MAX_ACTIVITIES
    return MAX_HINTS if finder.is_hint(activity) else 0
