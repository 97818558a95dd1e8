"""Works out when each Butler task starts and ends.

It combines full reads, pushed events and this client's own requests: none of them is
complete. Nothing here does I/O or reads a clock: every method is given the time it is
about.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .activities import MAX_GAP, ActivityLog
from .events import ActivityChange, ActivityEvent
from .maintenance import Maintenance
from .models import Activity, ButlerTask

# How long a server may take to show the effect of a request.
SETTLE = timedelta(seconds=0.8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of one task, as far as it is known."""

    name: str
    started: datetime | None
    """None if the task was running already when it was first seen."""
    finished: datetime | None = None
    """None while the task is running."""
    observed: bool = False
    """Whether the server showed it, by name or as work of the Butler."""
    stopped: bool = False
    """Whether this client has asked to stop it, and the server did not refuse."""

    @property
    def duration(self) -> float | None:
        """Seconds it took; None if its start or its end is not known."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()


@dataclass(frozen=True, slots=True)
class _Request:
    """The last request about a running task that no activity shows by name."""

    answered: datetime
    stop: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """A time the server showed the Butler at work, on whatever task."""

    began: datetime
    ended: datetime | None = None


class ButlerWatch:
    """The running tasks of a server, and when each last started and ended.

    The methods that return runs return those that started (`finished` is None) or
    ended, in that order.
    """

    def __init__(self) -> None:
        """Initialize without any task."""
        self.tasks: Mapping[str, ButlerTask] = {}
        self.maintenance = Maintenance(active=False, running=frozenset())
        self.last_started: dict[str, datetime] = {}
        self.last_finished: dict[str, datetime] = {}
        self._log = ActivityLog()
        self._running: dict[str, Run] = {}
        self._requests: dict[str, _Request] = {}
        self._work: _Work | None = None

    @property
    def due(self) -> datetime | None:
        """When to call `look`, if nothing else is reported until then."""
        return None

    def read(
        self,
        tasks: Mapping[str, ButlerTask],
        activities: Iterable[Activity],
        begun: datetime,
        now: datetime,
    ) -> list[Run]:
        """Process a full read, which may be older than events pushed since."""
        if self._log.is_outdated(begun, now):
            return []
        missed_nothing = self._log.missed_nothing(begun)
        same = self._log.read(activities, begun, now)
        self.tasks = tasks
        if not missed_nothing:
            self._forget_starts(same, begun)
        return self._update(now, read_begun=begun, missed_nothing=missed_nothing)

    def hear(self, events: Iterable[ActivityEvent], now: datetime) -> list[Run]:
        """Process the events of one frame."""
        events = tuple(events)
        self._log.push(events, now)
        started = any(event.change is ActivityChange.STARTED for event in events)
        return self._update(
            now, missed_nothing=started or self._log.missed_nothing(now)
        )

    def look(self, now: datetime) -> list[Run]:
        """Process that nothing was reported until now."""
        return self._update(now, missed_nothing=self._log.missed_nothing(now))

    def stream(self, *, up: bool, now: datetime) -> None:
        """Note that the stream is connected, or was until now."""
        self._log.stream(up=up, now=now)

    def confirm_start(
        self, name: str, requested: datetime, now: datetime, *, started: bool
    ) -> list[Run]:
        """Process that the server has started a task, or that it was running already."""
        runs = self._end_outdated(name, requested) if started else []
        self._mark([name], stopped=False)
        if name in self._running or not started:
            if name not in self._running:
                self._begin(name, None)
                self._requests[name] = _Request(now)
            return self._update(now)
        if (last := self.last_started.get(name)) and last >= requested:
            return []  # It started and ended before the answer came.
        run = self._begin(name, requested)
        runs.append(run)
        if self._work and self._work.ended and self._work.began >= requested:
            # So did the Butler as a whole, on a task it did not name.
            runs.append(self._end(run, self._work.ended, observed=True))
        else:
            self._requests[name] = _Request(now)
        return runs + self._update(now)

    @contextmanager
    def stopping(self, names: Iterable[str]) -> Iterator[None]:
        """Mark running tasks as asked to stop: they may end before the answer.

        The mark is removed if the request fails.
        """
        running = [self._running[name] for name in names if name in self._running]
        marked = [run.name for run in running if not run.stopped]
        self._mark(marked, stopped=True)
        try:
            yield
        except BaseException:
            self._mark(marked, stopped=False)
            raise

    def confirm_stop(self, name: str, now: datetime, *, was_running: bool) -> list[Run]:
        """Process that a task was asked to stop: if it was running, it may go on."""
        if not was_running:
            self._mark([name], stopped=False)
            self._requests.pop(name, None)
        elif name in self._requests:
            self._requests[name] = _Request(now, stop=True)
        return self._update(now, missed_nothing=False)

    def confirm_stop_all(self, now: datetime) -> None:
        """Process that all tasks were asked to stop."""
        self._requests = dict.fromkeys(self._requests, _Request(now, stop=True))

    def _update(
        self,
        now: datetime,
        *,
        read_begun: datetime | None = None,
        missed_nothing: bool = True,
    ) -> list[Run]:
        """Work out what is running now, and return the runs that changes."""
        seen = Maintenance.observe(self.tasks, self._log.current)
        if self._work is None or self._work.ended:
            self._work = _Work(now) if seen.active else self._work
        elif not seen.active:
            self._work = replace(self._work, ended=now)
        self._settle_requests(seen, read_begun)
        running = seen.running.union(self._requests)
        runs = []
        for name in sorted(running):
            if name not in self._running:
                run = self._begin(name, now if missed_nothing else None)
                runs += [run] if missed_nothing else []
            if name in seen.running or seen.unnamed:
                self._running[name] = replace(self._running[name], observed=True)
        for name in [name for name in self._running if name not in running]:
            run = self._running[name]
            if not missed_nothing:
                run = replace(run, started=None)
            runs.append(self._end(run, now, observed=run.observed))
        self._publish(seen)
        return runs

    def _publish(self, seen: Maintenance) -> None:
        """Replace `maintenance` by what was seen and the tasks known otherwise."""
        self.maintenance = replace(
            seen,
            active=seen.active or bool(self._running),
            running=frozenset(self._running),
            stopping=frozenset(n for n, run in self._running.items() if run.stopped),
        )

    def _settle_requests(self, seen: Maintenance, read_begun: datetime | None) -> None:
        """Drop the requests that say nothing, or nothing any more, of what is running.

        These are requests about a task that an activity shows by name, or whose work of
        the Butler has ended, or that is not shown by a read which is late enough to show
        it. Work on a task that is not named may be on any, but on one asked to stop.
        """
        for name, request in list(self._requests.items()):
            ended = self._running[name].observed and not seen.active
            covered = seen.unnamed and not request.stop
            settled = read_begun and read_begun >= request.answered + SETTLE
            if name in seen.running or ended or (settled and not covered):
                del self._requests[name]

    def _end_outdated(self, name: str, requested: datetime) -> list[Run]:
        """End a run that must have ended, because the task could be started again."""
        run = self._running.get(name)
        if run is None or run.started is None or run.started >= requested:
            return []
        if name not in self._requests:
            if self._log.stream_up:
                return []  # The event is about to come, and is more exact.
            self._log.forget(
                lambda activity: (
                    Maintenance.observe(self.tasks, [activity]).running <= {name}
                )
            )
        if not self._log.missed_nothing(requested):
            run = replace(run, started=None)
        return [self._end(run, requested, observed=run.observed)]

    def _forget_starts(self, same: Iterable[Activity], begun: datetime) -> None:
        """Forget when runs started that may have ended, and started again, unseen.

        An activity that is still the same is still the same run.
        """
        seen = Maintenance.observe(self.tasks, same)
        for name, run in self._running.items():
            recent = run.started and begun - run.started <= MAX_GAP
            covered = seen.unnamed and name in self._requests
            if not recent and name not in seen.running and not covered:
                self._running[name] = replace(run, started=None)

    def _mark(self, names: Iterable[str], *, stopped: bool) -> None:
        for name in names:
            if run := self._running.get(name):
                self._running[name] = replace(run, stopped=stopped)
        self._publish(self.maintenance)

    def _begin(self, name: str, at: datetime | None) -> Run:
        if at is not None:
            self.last_started[name] = at
        self._running[name] = Run(name=name, started=at)
        return self._running[name]

    def _end(self, run: Run, at: datetime, *, observed: bool) -> Run:
        del self._running[run.name]
        self._requests.pop(run.name, None)
        self.last_finished[run.name] = at
        return replace(run, finished=at, observed=observed)
