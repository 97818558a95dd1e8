"""Works out when each Butler task starts and ends.

It combines full reads, pushed events and this client's own requests: none of them is
complete. Nothing here does I/O or reads a clock: every method is given the time it is
about. The whole of it is a table, in docs/butler-row.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from .activities import MAX_GAP, ActivityLog
from .events import ActivityChange, ActivityEvent
from .maintenance import Maintenance, TaskFinder
from .models import Activity, ButlerTask

# How long a server may take to show the effect of a request.
SETTLE = timedelta(seconds=0.8)
# How long the server may take to name the task it has begun to work on.
NAMING_DELAY = timedelta(seconds=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of one task, as far as it is known."""

    name: str
    started: datetime | None
    """None if the task was running already when it was first seen."""
    finished: datetime | None = None
    """None while the task is running; kept here, when its activity reached 100 %."""
    observed: bool = False
    """Whether the server showed it, by name or as work of the Butler."""
    stopped: bool = False
    """Whether this client has asked to stop it, and the server did not refuse."""
    requested: bool = False
    """Whether this client has started it."""

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
    """The last time the server showed the Butler at work, on whatever task."""

    began: datetime
    """Long ago, if the server may have shown it before."""
    ended: datetime | None = None


class ButlerWatch:
    """The running tasks of a server, and when each last started and ended.

    The methods that return runs return those that started (`finished` is None) or ended.
    After every call, `due` may have changed: call `look` then. It makes up for a stream
    only: without one, read every 5 s while `maintenance.active`, as it takes two reads to
    see that a task has ended. What is running is unknown while `maintenance.unnamed`,
    and only then: with no tasks and not unnamed, none is running, or its name is about
    to come.
    """

    def __init__(self) -> None:
        """Initialize without any task."""
        self.maintenance = Maintenance(active=False, running=frozenset())
        self.last_runs: dict[str, Run] = {}
        """The last run of each task that has ended, by name."""
        self._finder = TaskFinder({})
        self._log = ActivityLog()
        self._running: dict[str, Run] = {}
        self._requests: dict[str, _Request] = {}
        self._starting: set[str] = set()
        self._work: _Work | None = None
        # Whether activities that are not in the log would be known.
        self._is_known = True

    @property
    def tasks(self) -> Mapping[str, ButlerTask]:
        """The tasks by name."""
        return self._finder.tasks

    @property
    def current_runs(self) -> Mapping[str, Run]:
        """The runs that go on, by the task's name."""
        return self._running

    @property
    def due(self) -> datetime | None:
        """When to call `look`, if nothing else is reported until then."""
        # Without a stream, only the next read shows whether it is still at work.
        unnamed_at = self._unnamed_at if self._log.stream_up else None
        return min(filter(None, (self._log.due, unnamed_at)), default=None)

    def read(
        self,
        tasks: Mapping[str, ButlerTask],
        activities: Iterable[Activity] | None,
        begun: datetime,
        now: datetime,
    ) -> list[Run]:
        """Process a full read, which may be older than events pushed since.

        `activities` is None if they could not be read.
        """
        if self._log.is_outdated(begun, now):
            return []
        runs = self.look(now)
        missed_nothing = self._log.missed_nothing(begun)
        if tasks != self.tasks:
            self._finder = TaskFinder(tasks)
        self._is_known = activities is not None or missed_nothing
        if activities is None:
            return runs + self._read_nothing(begun, now)
        same = self._log.read(activities, self._finder, begun, now)
        if not missed_nothing:
            self._forget_starts(same, begun)
        return runs + self._update(now, read_begun=begun, is_news=missed_nothing)

    def _read_nothing(self, begun: datetime, now: datetime) -> list[Run]:
        """Process that the activities could not be read.

        The stream makes up for it. Without one, what is known is kept for some time.
        """
        if self._log.stream_up:
            return self._update(now, read_begun=begun)
        if self._is_known:
            return self._update(now)
        self._forget_starts((), begun)
        self._log.forget(lambda _: True)
        return self._update(now, read_begun=begun, is_news=False)

    def hear(self, events: Iterable[ActivityEvent], now: datetime) -> list[Run]:
        """Process the events of one frame."""
        events = tuple(events)
        runs = self.look(now)
        missed_nothing = self._log.missed_nothing(now)
        if not missed_nothing:
            self._forget_starts(self._log.at_work, now)
        if not self._log.push(events, self._finder, now):
            return runs
        started = any(event.change is ActivityChange.STARTED for event in events)
        return runs + self._update(now, is_news=missed_nothing or started)

    def look(self, now: datetime) -> list[Run]:
        """Process that nothing was reported until now; needed from `due` on."""
        if not (due := self.due) or now < due:
            return []
        self._log.expire(now)
        return self._update(now)

    def stream(self, *, up: bool, now: datetime) -> None:
        """Note that the stream is connected, or was until now."""
        self._log.stream(up=up, now=now)

    @contextmanager
    def starting(self, name: str) -> Iterator[None]:
        """Mark a run as requested if it begins before the answer to the request."""
        self._starting.add(name)
        try:
            yield
        finally:
            self._starting.discard(name)

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
        last = self.last_runs.get(name)
        if last and last.started and last.started >= requested:
            return runs  # It started and ended before the answer came.
        with self.starting(name):
            runs.append(self._begin(name, requested))
        self._requests[name] = _Request(now)
        if self._work and self._work.ended and self._work.began >= requested:
            # So did the Butler as a whole, on a task it did not name.
            self._running[name] = replace(
                self._running[name], observed=True, finished=self._work.ended
            )
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
        if name in self._requests:
            self._requests[name] = _Request(now, stop=True)
            if not was_running:
                # It has ended before, at a time that is not known if it is not paused.
                del self._requests[name]
                self._forget_start(self._running[name])
        return self._update(now)

    def confirm_stop_all(self, now: datetime) -> None:
        """Process that all tasks were asked to stop."""
        self._requests = dict.fromkeys(self._requests, _Request(now, stop=True))

    def _update(
        self,
        now: datetime,
        *,
        read_begun: datetime | None = None,
        is_news: bool = True,
    ) -> list[Run]:
        """Work out what is running now, and return the runs that changes.

        Tasks that may have been running for longer are no news, and paused ones have
        ended: what is at work after a time without information is another run.
        """
        work = self._finder.observe(self._log.at_work)
        shown = self._finder.observe(self._log.shown)
        self._note_work(work, now, is_news=is_news)
        self._settle_requests(work, shown, read_begun)
        before = [r for r in self._running.values() if r.finished and not is_news]
        runs = [self._end(run, now) for run in before]
        paused = shown.running & self._running.keys()
        running = work.running.union(self._requests, paused)
        for name in sorted(running - self._running.keys()):
            run = self._begin(name, now if is_news else None, observed=True)
            runs += [run] if is_news else []
        for name, run in list(self._running.items()):
            if name not in running:
                runs.append(self._end(run, now))
            elif name in work.running or (work.unnamed and name not in paused):
                self._running[name] = replace(run, finished=None, observed=True)
            elif run.observed and (name in paused or not work.active):
                self._running[name] = replace(run, finished=run.finished or now)
        self._publish(shown, now)
        return runs

    def _note_work(self, work: Maintenance, now: datetime, *, is_news: bool) -> None:
        """Note that the Butler has started or ended to work."""
        if self._work is None or self._work.ended:
            began = now if is_news else _LONG_AGO
            self._work = _Work(began) if work.active else self._work
        elif not work.active:
            self._work = replace(self._work, ended=now)

    def _settle_requests(
        self, work: Maintenance, shown: Maintenance, read_begun: datetime | None
    ) -> None:
        """Drop the requests that say nothing, or nothing any more, of what is running.

        These are requests about a task that an activity shows by name, or whose work of
        the Butler has ended, or that is not shown by a read which is late enough to show
        it. Work on a task that is not named may be on any, but on one asked to stop.
        """
        for name, request in list(self._requests.items()):
            run = self._running[name]
            ended = run.observed and not shown.active
            others = run.finished and work.active
            covered = (work.unnamed or run.finished) and not request.stop
            settled = read_begun and read_begun >= request.answered + SETTLE
            if name in work.running or ended or others or (settled and not covered):
                del self._requests[name]

    def _publish(self, shown: Maintenance, now: datetime) -> None:
        """Replace `maintenance` by what the server shows and the tasks known otherwise."""
        at = self._unnamed_at
        unnamed = self.maintenance.unnamed or (at is not None and at <= now)
        active = shown.active or bool(self._running)
        self.maintenance = Maintenance(
            active=active if active or self._is_known else None,
            running=frozenset(self._running),
            stopping=self._stopping,
            unnamed=unnamed and bool(shown.active) and not self._running,
            progress=shown.progress,
        )

    @property
    def _stopping(self) -> frozenset[str]:
        return frozenset(name for name, run in self._running.items() if run.stopped)

    @property
    def _unnamed_at(self) -> datetime | None:
        """When to stop waiting for the name of the task at work; None if not waiting."""
        if self._running or self.maintenance.unnamed:
            return None
        if self._work is None or self._work.ended:
            return None
        ended = [run.finished for run in self.last_runs.values() if run.finished]
        return max([self._work.began, *ended]) + NAMING_DELAY

    def _end_outdated(self, name: str, requested: datetime) -> list[Run]:
        """End a run that must have ended, because the task could be started again."""
        run = self._running.get(name)
        if run is None or (run.started and run.started >= requested):
            return []
        by_name = name not in self._requests
        if not run.finished and (
            # The event is about to come, and is more exact.
            run.started is None or (by_name and self._log.stream_up)
        ):
            return []
        if by_name:
            self._log.forget(
                lambda activity: self._finder.observe([activity]).running <= {name}
            )
        if not self._log.missed_nothing(requested):
            run = self._forget_start(run)
        return [self._end(run, requested)]

    def _forget_starts(self, same: Iterable[Activity], begun: datetime) -> None:
        """Forget when runs started that may have ended, and started again, unseen.

        An activity that is still the same is still the same run, if it is about this
        task only: the Butler's own goes on from one task to the next.
        """
        names = {self._finder.find(activity.title) for activity in same}
        for name, run in self._running.items():
            recent = run.started and begun - run.started <= MAX_GAP
            if not recent and name not in names:
                self._forget_start(run)

    def _forget_start(self, run: Run) -> Run:
        """Forget when a run started, unless it is over: then it is known to be the same."""
        if not run.finished:
            run = self._running[run.name] = replace(run, started=None)
        return run

    def _mark(self, names: Iterable[str], *, stopped: bool) -> None:
        """Set whether running tasks are asked to stop."""
        for name in names:
            if run := self._running.get(name):
                self._running[name] = replace(run, stopped=stopped)
        self.maintenance = replace(self.maintenance, stopping=self._stopping)

    def _begin(self, name: str, at: datetime | None, *, observed: bool = False) -> Run:
        requested = name in self._starting
        run = Run(name=name, started=at, observed=observed, requested=requested)
        self._running[name] = run
        return run

    def _end(self, run: Run, at: datetime) -> Run:
        """End a run, at the latest at some time."""
        del self._running[run.name]
        self._requests.pop(run.name, None)
        ended = replace(run, finished=run.finished or at)
        self.last_runs[run.name] = ended
        return ended
