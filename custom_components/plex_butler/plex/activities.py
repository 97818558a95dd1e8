"""The activities of a server, merged from full reads and pushed events.

Nothing here does I/O or reads a clock: every method is given the time it is about.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from .events import ActivityChange, ActivityEvent
from .models import Activity

# After a longer time without information, anything may have happened.
MAX_GAP = timedelta(seconds=90)
# A server does a handful of things at once; far more is not worth keeping.
MAX_ACTIVITIES = 1024


class ActivityLog:
    """The current activities, and since when no change can have been missed."""

    def __init__(self) -> None:
        """Initialize without any activity."""
        self._activities: dict[str, Activity] = {}
        # When each activity was last pushed: a read that is older does not count.
        self._pushed: dict[str, datetime] = {}
        # Without a live stream, nothing was missed up to this time.
        self._complete_until: datetime | None = None
        self._up_since: datetime | None = None
        self._read_begun: datetime | None = None

    @property
    def current(self) -> Collection[Activity]:
        """The current activities."""
        return self._activities.values()

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
        self, activities: Iterable[Activity], begun: datetime, now: datetime
    ) -> list[Activity]:
        """Replace all activities but those pushed since the read began.

        Return those that were known before, which are the same pieces of work.
        """
        known = self._activities
        self._pushed = {u: at for u, at in self._pushed.items() if at >= begun}
        self._activities = {u: known[u] for u in self._pushed if u in known}
        for index, activity in enumerate(activities):
            uuid = activity.uuid or f"#{index}"
            if uuid not in self._pushed:
                self._activities[uuid] = activity
        self._read_begun = begun
        self._complete_until = now
        return [a for uuid, a in self._activities.items() if a.uuid and uuid in known]

    def push(self, events: Iterable[ActivityEvent], now: datetime) -> None:
        """Apply pushed events."""
        for event in events:
            uuid = event.activity.uuid
            self._pushed.pop(uuid, None)
            if len(self._pushed) >= MAX_ACTIVITIES:
                del self._pushed[next(iter(self._pushed))]  # the oldest
            self._pushed[uuid] = now
            if event.change is ActivityChange.ENDED:
                self._activities.pop(uuid, None)
            elif uuid in self._activities or len(self._activities) < MAX_ACTIVITIES:
                self._activities[uuid] = event.activity

    def stream(self, *, up: bool, now: datetime) -> None:
        """Note that the stream is connected, or was until now.

        What happened before it was connected becomes known with the next read.
        """
        if self._live:
            self._complete_until = now
        self._up_since = now if up else None

    def forget(self, ended: Callable[[Activity], bool]) -> None:
        """Remove the activities that are known to have ended."""
        for uuid, activity in list(self._activities.items()):
            if ended(activity):
                del self._activities[uuid]
