"""The Butler: which tasks run, which wait, and what starting and stopping does.

Where nobody knows what Plex does, this is the simulator's choice:

* a single start begins at once, next to whatever runs, whether the task is enabled
  or not and whatever the time of day;
* starting all works through the enabled tasks one after the other, all of them being
  due; what runs or waits already is left alone;
* a task that was scheduled at a random time in the window never comes to its turn by
  itself: it waits until it is started by name or removed;
* starting a task that is being stopped does not save it: it is still running.
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
        self.session: str | None = None
        self.progress = -1.0
        self.listeners: list[Callable[[], None]] = []
        self._finished = 0
        self._turn: str | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is about to."""
        return not self.running and not self.queue

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
            self._changed()
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
        self._changed()

    def finish(self, name: str) -> None:
        """End a run now, be it being stopped or not."""
        run = self.running.pop(name, None)
        if run is None:
            raise ValueError(f"{name} is not running")
        run.cancel_timer()
        self._finished += 1
        # The share of the tasks begun that are done: 100 whenever one ends, less as
        # soon as the next begins. That is how a real server's progress jumps.
        self.progress = 100.0
        self._changed()
        if self._turn == name:
            self._turn = None
            self._next_turn()
        if self.idle:
            self._end_session()

    def report_progress(self, percent: float) -> None:
        """Say how far the run is, -1 being unknown."""
        if self.session is None:
            raise ValueError("nothing is running")
        self.progress = percent
        self._changed()

    def close(self) -> None:
        """Drop everything, leaving no timer behind."""
        self.queue.clear()
        self.scheduled.clear()
        for run in self.running.values():
            run.cancel_timer()
        self.running.clear()
        self._turn = None
        self._end_session()

    def _begin(self, name: str) -> None:
        if self.session is None:
            # A run is seen to begin before its first task is.
            self.session = str(uuid4())
            self._changed()
        if self._finished:
            self.progress = round(100 * self._finished / (self._finished + 1), 1)
        run = self.running[name] = Run(name, self.tasks[name])
        self.started.append(name)
        self._end_after(run, run.task.duration)
        self._changed()

    def _end_session(self) -> None:
        self.session = None
        self.progress = -1.0
        self._finished = 0
        self._changed()

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
        loop = asyncio.get_running_loop()
        if delay == 0:
            run.timer = loop.call_soon(self.finish, run.name)
        elif delay is not None:
            run.timer = loop.call_later(delay, self.finish, run.name)

    def _forget(self, name: str) -> bool:
        waiting = False
        for names in (self.queue, self.scheduled):
            if name in names:
                names.remove(name)
                waiting = True
        return waiting

    def _changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()
