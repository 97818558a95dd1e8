"""Follows the Butler over time: which task began when, and which ended.

It puts together three sources, none of which tells it all: full reads, the stream's
events, and the start requests of this very client. Nothing here does I/O or looks at a
clock; every method is told the moment it is about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

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
        self._ended: dict[str, Run] = {}
        self._activities: dict[str, Activity] = {}
        # When the stream last spoke of an activity, for reads that are older.
        self._heard: dict[str, datetime] = {}
        # Tasks started by a request that nothing shows yet.
        self._assumed: dict[str, datetime] = {}
        self._stopped: set[str] = set()
        # Whether the server shows the Butler at work.
        self._seen_active = False
        # When the Butler last set to work, and when it was done with that.
        self._active_since = datetime.min.replace(tzinfo=UTC)
        self._quiet_since: datetime | None = None
        # Up to when nothing can have been missed. With a stream, and a read since it
        # came up, that is always now.
        self._complete_until: datetime | None = None
        self._up_since: datetime | None = None
        self._live = False
        self._read_begun: datetime | None = None

    @property
    def current_runs(self) -> Mapping[str, Run]:
        """The runs that go on, by task."""
        return self._running.copy()

    @property
    def last_runs(self) -> Mapping[str, Run]:
        """The last run of each task that ended."""
        return self._ended.copy()

    def read(
        self,
        tasks: Mapping[str, ButlerTask],
        activities: Iterable[Activity],
        begun: datetime,
        now: datetime,
    ) -> list[Run]:
        """Take in a full read, which may be older than what the stream said since."""
        if self._read_begun and begun < self._read_begun <= now:
            return []  # It was overtaken by another.
        self._read_begun = begun
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
        self._live = self._up_since is not None and self._up_since <= begun
        if not missed_nothing:
            self._forget_starts(known, begun)
        return self._look(now, read_at=begun, missed_nothing=missed_nothing)

    def hear(self, event: ActivityEvent, now: datetime) -> list[Run]:
        """Take in what the stream says."""
        uuid = event.activity.uuid
        self._heard.pop(uuid, None)
        if len(self._heard) >= MAX_ACTIVITIES:
            del self._heard[next(iter(self._heard))]  # The one longest ago.
        self._heard[uuid] = now
        if event.change is ActivityChange.ENDED:
            self._activities.pop(uuid, None)
        elif uuid in self._activities or len(self._activities) < MAX_ACTIVITIES:
            self._activities[uuid] = event.activity
        began = event.change is ActivityChange.STARTED
        return self._look(now, missed_nothing=began or self._missed_nothing(now))

    def stream(self, *, up: bool, now: datetime) -> None:
        """Take in that the stream is there, or was there until now.

        What happened before it came is known only with the next read.
        """
        if self._live:
            self._complete_until = now
        self._up_since = now if up else None
        self._live = False

    def confirm(
        self, name: str, requested: datetime, now: datetime, *, started: bool
    ) -> list[Run]:
        """Take in that the server has started a task, or that it ran already."""
        self._stopped.discard(name)
        runs = self._end_outdated(name, requested) if started else []
        if name in self._running or not started:
            if name not in self._running:
                self._begin(name, None)
                self._assumed[name] = now
            return self._look(now)
        if (last := self.last_started.get(name)) and last >= requested:
            return []  # It began and ended before the answer came.
        run = self._begin(name, requested)
        self._assumed[name] = now
        runs.append(run)
        if self._quiet_since and self._active_since >= requested:
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
        if not seen.active:
            self._quiet_since = now if self._seen_active else self._quiet_since
        elif not self._seen_active:
            self._active_since = now
            self._quiet_since = None
        self._seen_active = seen.active
        self._drop_assumed(seen, read_at)
        self.maintenance = seen.including(self._assumed)
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

    def _end_outdated(self, name: str, requested: datetime) -> list[Run]:
        """End the run that must be over, or the task could not have been started."""
        run = self._running.get(name)
        if run is None or run.started is None or run.started >= requested:
            return []
        if name not in self._assumed:
            if self._up_since:
                return []  # The stream is about to say so, and more exactly.
            self._forget_activities(name)
        if not self._missed_nothing(requested):
            run = replace(run, started=None)
        return [self._end(run, requested, observed=run.observed)]

    def _forget_activities(self, name: str) -> None:
        """Forget all but what shows other tasks at work."""
        for uuid, activity in list(self._activities.items()):
            if Maintenance.observe(self.tasks, [activity]).running <= {name}:
                del self._activities[uuid]

    def _forget_starts(self, known: Mapping[str, Activity], begun: datetime) -> None:
        """Forget when runs began that may have ended, and begun again, unseen.

        What is still the same activity is still the same run.
        """
        same = Maintenance.observe(
            self.tasks,
            [a for uuid, a in self._activities.items() if a.uuid and uuid in known],
        )
        unnamed = same.active and not same.running
        for name, run in self._running.items():
            recent = run.started and begun - run.started <= MAX_GAP
            covered = unnamed and name in self._assumed
            if not recent and name not in same.running and not covered:
                self._running[name] = replace(run, started=None)

    def _begin(self, name: str, at: datetime | None) -> Run:
        if at is not None:
            self.last_started[name] = at
        self._running[name] = Run(name=name, started=at)
        return self._running[name]

    def _end(self, run: Run, at: datetime, *, observed: bool) -> Run:
        del self._running[run.name]
        self.last_finished[run.name] = at
        self._ended[run.name] = replace(run, finished=at, observed=observed)
        return self._ended[run.name]
