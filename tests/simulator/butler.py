"""The Butler: which tasks run, which wait, and what starting and stopping does.

Where nobody knows what Plex does, this is the simulator's choice:

* a single start begins at once, next to whatever runs, whether the task is enabled
  or not and whatever the time of day;
* starting all works through the enabled tasks one after the other, all of them being
  due; what runs or waits already is left alone;
* a task that was scheduled at a random time in the window never comes to its turn by
  itself: it waits until it is started by name or removed;
* starting a task that is being stopped does not save it: it is still running;
* the Butler's row counts tasks from when it appears: `registered_before` are done then.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import uuid4

from .tasks import SimulatedTask


class Started(Enum):
    """What became of a request to start one task."""

    STARTED = auto()
    ALREADY_RUNNING = auto()
    UNKNOWN = auto()


class RowMode(Enum):
    """How long the Butler's row is shown; nobody knows which of these Plex does."""

    RUNS = auto()
    """While tasks are running."""
    WINDOW = auto()
    """For the whole maintenance window, and while tasks are running outside of it."""
    FOREVER = auto()


@dataclass(slots=True)
class Run:
    """One run of one task."""

    name: str
    task: SimulatedTask
    uuid: str = field(default_factory=lambda: str(uuid4()))
    stopping: bool = False
    timer: asyncio.Handle | None = None

    def cancel_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Butler:
    """Runs tasks, as far as anybody looking at it can tell."""

    def __init__(self, tasks: Mapping[str, SimulatedTask]) -> None:
        self.tasks = dict(tasks)
        self.started: list[str] = []
        self.running: dict[str, Run] = {}
        self.queue: list[str] = []
        self.scheduled: list[str] = []
        self.inside_window: Callable[[], bool] = lambda: False
        self.stop_delay: float | None = 0.05
        self.row_mode = RowMode.RUNS
        self.row: str | None = None
        """The uuid of the row, while there is one."""
        self.registered_before = 0
        self.last_title = ""
        self.listeners: list[Callable[[], None]] = []
        self._registered = 0
        self._done = 0
        self._reported: float | None = None
        self._turn: str | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is about to."""
        return not self.running and not self.queue

    @property
    def progress(self) -> float:
        """Tasks done of those registered, in whole per cent, or what was reported."""
        if self._reported is not None:
            return self._reported
        return round(100 * self._done / self._registered) if self._registered else 100

    def start(self, name: str) -> Started:
        """Start one task at once."""
        if name not in self.tasks:
            return Started.UNKNOWN
        if name in self.running:
            return Started.ALREADY_RUNNING
        self._forget(name)
        self._begin(name)
        return Started.STARTED

    def start_all(self) -> None:
        """Queue every enabled task; randomised ones are put off inside the window."""
        inside_window = self.inside_window()
        for name, task in self.tasks.items():
            if not task.enabled or name in {*self.running, *self.queue}:
                continue
            self._forget(name)
            late = inside_window and task.schedule_randomized
            (self.scheduled if late else self.queue).append(name)
        self._next_turn()

    def stop(self, name: str) -> bool:
        """Stop one task or take it out of the queue; False when there is none."""
        if name not in self.tasks:
            return False
        if self._forget(name):
            self.changed()
            return True
        if name not in self.running:
            return False
        self._stop_run(name)
        return True

    def stop_all(self) -> None:
        """Empty the queue and stop every run."""
        self.queue.clear()
        self.scheduled.clear()
        for name in list(self.running):
            self._stop_run(name)
        self.changed()

    def finish(self, name: str) -> None:
        """End a run now, be it being stopped or not."""
        run = self.running.pop(name, None)
        if run is None:
            raise ValueError(f"{name} is not running")
        run.cancel_timer()
        self._done += 1
        self._reported = None
        self._tell()
        if self._turn == name:
            self._turn = None
            self._next_turn()
        self.changed()

    def report_progress(self, percent: float) -> None:
        """Say how far the run is, -1 being unknown."""
        if not self.running:
            raise ValueError("nothing is running")
        self._reported = percent
        self.changed()

    def close(self) -> None:
        """Drop everything, leaving no timer behind."""
        self.queue.clear()
        self.scheduled.clear()
        for run in self.running.values():
            run.cancel_timer()
        self.running.clear()
        self._turn = None
        self.row = None
        self._tell()

    def _refresh_row(self) -> None:
        """Let the row appear or disappear, as its mode says."""
        if (
            self.row_mode is RowMode.FOREVER
            or not self.idle
            or (self.row_mode is RowMode.WINDOW and self.inside_window())
        ):
            if self.row is None:
                self._add_row()
        else:
            self.row = None

    def _add_row(self) -> None:
        self.row = str(uuid4())
        self._registered = self._done = self.registered_before

    def _begin(self, name: str) -> None:
        if self.row is None:
            self._add_row()
        # The Butler is seen to work before its task is.
        self._registered += 1
        self._reported = None
        self._tell()
        self.last_title = self.tasks[name].title or name
        run = self.running[name] = Run(name, self.tasks[name])
        self.started.append(name)
        self._end_after(run, run.task.duration)
        self.changed()

    def _next_turn(self) -> None:
        while self._turn is None and self.queue:
            name = self.queue.pop(0)
            if name in self.tasks:
                self._turn = name
                self._begin(name)

    def _stop_run(self, name: str) -> None:
        run = self.running[name]
        if not run.stopping:
            # What is in work is finished first, so a run outlives its stop.
            run.stopping = True
            run.cancel_timer()
            self._end_after(run, self.stop_delay)

    def _end_after(self, run: Run, delay: float | None) -> None:
        if delay is None:
            return
        loop = asyncio.get_running_loop()
        if delay == 0:
            run.timer = loop.call_soon(self.finish, run.name)
        else:
            run.timer = loop.call_later(delay, self.finish, run.name)

    def _forget(self, name: str) -> bool:
        waiting = False
        for names in (self.queue, self.scheduled):
            if name in names:
                names.remove(name)
                waiting = True
        return waiting

    def changed(self) -> None:
        """Tell the listeners of a change, after the row has followed it."""
        self._refresh_row()
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()
