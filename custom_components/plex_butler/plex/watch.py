"""Follows the Butler over time: which task began when, and which ended.

It puts together three sources, none of which tells it all: full reads, the stream's
events, and the start requests of this very client. Nothing here does I/O or looks at a
clock; every method is told the moment it is about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .events import ActivityChange, ActivityEvent
from .maintenance import Maintenance
from .models import Activity, ButlerTask

# How long Plex may take to show what a request has set in motion.
SETTLE = timedelta(seconds=0.8)
# Between two looks further apart than this, anything may have happened.
MAX_GAP = timedelta(seconds=90)
# A server does a handful of things at once; far more is not worth remembering.
MAX_ACTIVITIES = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of one task, as far as it was seen."""

    name: str
    started: datetime | None
    """None when it was running already when it was first seen."""
    finished: datetime | None = None
    """None while it runs."""
    observed: bool = False
    """Whether the server itself showed it, by name or as a run of the Butler."""

    @property
    def duration(self) -> float | None:
        """Seconds it took; None when its start or its end is not known."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()


class ButlerWatch:
    """What the Butler is doing, and what it did while somebody looked.

    The methods that return runs return those that began (`finished` is None) or ended
    by what they were told.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.tasks: Mapping[str, ButlerTask] = {}
        self.maintenance = Maintenance(active=False, running=frozenset())
        self.last_started: dict[str, datetime] = {}
        self.last_finished: dict[str, datetime] = {}
        self._running: dict[str, Run] = {}
        self._activities: dict[str, Activity] = {}
        # When the stream last spoke of an activity, for reads that are older.
        self._heard: dict[str, datetime] = {}
        # Tasks started by a request that nothing shows yet.
        self._assumed: dict[str, datetime] = {}
        self._stopped: set[str] = set()
        self._quiet_since: datetime | None = None
        # Up to when nothing can have been missed. With a stream, and a read since it
        # came up, that is always now.
        self._complete_until: datetime | None = None
        self._streaming = False
        self._live = False

    def read(
        self,
        tasks: Mapping[str, ButlerTask],
        activities: Iterable[Activity],
        begun: datetime,
        now: datetime,
    ) -> list[Run]:
        """Take in a full read, which may be older than what the stream said since."""
        missed_nothing = self._missed_nothing(begun)
        known = self._activities
        self._heard = {u: at for u, at in self._heard.items() if at >= begun}
        self._activities = {u: known[u] for u in self._heard if u in known}
        for index, activity in enumerate(activities):
            uuid = activity.uuid or f"#{index}"
            if uuid not in self._heard:
                self._activities[uuid] = activity
        self.tasks = tasks
        self._complete_until = now
        self._live = self._streaming
        return self._look(now, read_at=begun, missed_nothing=missed_nothing)

    def hear(self, event: ActivityEvent, now: datetime) -> list[Run]:
        """Take in what the stream says."""
        uuid = event.activity.uuid
        if uuid not in self._heard and len(self._heard) >= MAX_ACTIVITIES:
            return []
        self._heard[uuid] = now
        if event.change is ActivityChange.ENDED:
            self._activities.pop(uuid, None)
        else:
            self._activities[uuid] = event.activity
        began = event.change is ActivityChange.STARTED
        return self._look(now, missed_nothing=began or self._missed_nothing(now))

    def stream(self, *, up: bool, now: datetime) -> None:
        """Take in that the stream is there, or was there until now.

        What happened before it came is known only with the next read.
        """
        if self._live:
            self._complete_until = now
        self._streaming = up
        self._live = False

    def confirm(
        self, name: str, requested: datetime, now: datetime, *, started: bool
    ) -> list[Run]:
        """Take in that the server has started a task, or that it ran already."""
        self._stopped.discard(name)
        if name in self._running or not started:
            if name not in self._running:
                self._begin(name, None)
                self._assumed[name] = now
            return self._look(now)
        if (last := self.last_started.get(name)) and last >= requested:
            return []  # It began and ended before the answer came.
        run = self._begin(name, requested)
        self._assumed[name] = now
        runs = [run]
        if self._quiet_since and self._quiet_since >= requested:
            # So did the Butler as a whole, without saying what it did.
            self._assumed.pop(name)
            runs.append(self._end(run, self._quiet_since, observed=True))
        self._look(now)
        return runs

    def stop(self, name: str, now: datetime, *, was_running: bool) -> list[Run]:
        """Take in that a task was asked to stop: it goes on for a while, if it ran."""
        if name in self._assumed:
            self._assumed[name] = now
            self._stopped.add(name)
            if not was_running:
                del self._assumed[name]
        return self._look(now, missed_nothing=False)

    def stop_all(self, now: datetime) -> None:
        """Take in that all tasks were asked to stop."""
        self._stopped.update(self._assumed)
        self._assumed = dict.fromkeys(self._assumed, now)

    def _missed_nothing(self, begun: datetime) -> bool:
        if self._complete_until is None:
            return False
        return self._live or begun - self._complete_until <= MAX_GAP

    def _look(
        self,
        now: datetime,
        *,
        read_at: datetime | None = None,
        missed_nothing: bool = True,
    ) -> list[Run]:
        """Work out what runs now, and return what that changes."""
        seen = Maintenance.observe(self.tasks, self._activities.values())
        was_active = self.maintenance.active
        self._drop_assumed(seen, read_at)
        self.maintenance = seen.including(self._assumed)
        if was_active and not self.maintenance.active:
            self._quiet_since = now
        changes = []
        for name in sorted(self.maintenance.running):
            run = self._running.get(name)
            if run is None:
                run = self._begin(name, now if missed_nothing else None)
                changes.extend([run] if missed_nothing else [])
            shown = name in seen.running or (seen.active and not seen.running)
            self._running[name] = replace(run, observed=run.observed or shown)
        for name in [n for n in self._running if n not in self.maintenance.running]:
            run = self._running[name]
            if not missed_nothing:
                run = replace(run, started=None)
            changes.append(self._end(run, now, observed=run.observed))
        return changes

    def _drop_assumed(self, seen: Maintenance, read_at: datetime | None) -> None:
        """Forget the tasks that need not, or can no longer, be assumed to run.

        That is one that is seen; one whose run of the Butler has ended; and one that a
        read shows nothing of, if it began late enough to show it. A run that names no
        task may be that of any, but for one that was asked to stop.
        """
        unnamed = seen.active and not seen.running
        for name, since in list(self._assumed.items()):
            covered = unnamed and name not in self._stopped
            ended = self._running[name].observed and not seen.active
            settled = read_at is not None and read_at >= since + SETTLE
            if name in seen.running or ended or (settled and not covered):
                del self._assumed[name]
                self._stopped.discard(name)

    def _begin(self, name: str, at: datetime | None) -> Run:
        if at is not None:
            self.last_started[name] = at
        self._running[name] = Run(name=name, started=at)
        return self._running[name]

    def _end(self, run: Run, at: datetime, *, observed: bool) -> Run:
        del self._running[run.name]
        self.last_finished[run.name] = at
        return replace(run, finished=at, observed=observed)
