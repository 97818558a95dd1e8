"""Whatever a watch is told, in whatever order, some things hold."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from custom_components.plex_butler.plex import Activity, Maintenance
from custom_components.plex_butler.plex.events import ActivityChange

from .watching import (
    BACKUP,
    OPTIMIZE,
    TASKS,
    Told,
    Watching,
    at,
    live,
    parent,
    sub,
    told,
    work,
)

ACTIVITIES = st.sampled_from(
    [
        parent(),
        parent("other", title="Butler-Aufgaben", progress=100),
        parent(progress=50),
        parent(progress=100),
        parent(subtitle=OPTIMIZE),
        parent(subtitle=BACKUP, progress=100),
        replace(sub(OPTIMIZE), progress=100),
        parent(subtitle="Backup Database"),
        sub(OPTIMIZE),
        sub(BACKUP),
        sub(BACKUP, "another"),
        sub(BACKUP, ""),
        work("media.generate.credits"),
        work("library.refresh.items"),
    ]
)
NAMES = st.sampled_from([*TASKS, "Unknown"])
# Everything at once, and everything far apart.
PAUSES = st.sampled_from([0, 0, 0, 0.125, 0.5, 1, 10, 89, 91, 1000])


class Random(RuleBasedStateMachine):
    """Tells a watch anything, at times that never go back."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = Watching()
        self.now = 0.0
        self.open: dict[str, float] = {}
        self.running: set[str] = set()

    def check(self, tell: Callable[[], list[Told]]) -> None:
        """Tell something, and compare what is reported with what runs then."""
        before = self.running
        runs = tell()
        self.running = set(self.watching.watch.maintenance.running)
        began = {name for name, _, finished in runs if finished is None}
        ended = {name for name, _, finished in runs if finished is not None}
        # Only what is reported comes to an end; what comes unreported has no start.
        assert before - self.running <= ended <= before | began
        again = (ended & self.running) - began
        current = self.watching.watch.current_runs
        assert [name for name in again if current[name].started] == []
        for name, started, finished in runs:
            if finished is None:
                assert started is not None
                assert name not in self.open
                self.open[name] = started
            elif (start := self.open.pop(name, None)) is None:
                assert started is None
            else:
                assert started in {start, None}
                assert start <= finished <= self.now
        assert self.open.keys() <= self.running

    @initialize(up=st.booleans(), activities=st.lists(ACTIVITIES, max_size=3))
    def begin(self, *, up: bool, activities: list[Activity]) -> None:
        if up:
            self.watching.stream(0)
        assert self.watching.read(0, *activities) == []
        self.running = set(self.watching.running)

    @rule(pause=PAUSES)
    def wait(self, pause: float) -> None:
        self.now += pause

    @rule(change=st.sampled_from(ActivityChange), activity=ACTIVITIES)
    def hear(self, change: ActivityChange, activity: Activity) -> None:
        self.check(lambda: told(self.watching.hear(change, self.now, activity)))

    @rule(up=st.booleans())
    def stream(self, *, up: bool) -> None:
        self.watching.stream(self.now, up=up)

    @rule()
    def look(self) -> None:
        self.check(lambda: self.watching.look(self.now))
        assert self.watching.due is None or self.watching.due > self.now

    @rule(activities=st.lists(ACTIVITIES, max_size=4), age=PAUSES)
    def read(self, activities: list[Activity], age: float) -> None:
        begun = self.now - age
        self.check(lambda: self.watching.read(begun, *activities, now=self.now))

    @rule(name=NAMES, age=PAUSES, started=st.booleans())
    def start(self, name: str, age: float, *, started: bool) -> None:
        self.check(
            lambda: self.watching.start(name, self.now - age, self.now, started=started)
        )

    @rule(name=NAMES)
    def fail_to_stop(self, name: str) -> None:
        before = self.watching.stopping
        with suppress(OSError), self.watching.watch.stopping([name]):
            raise OSError
        assert self.watching.stopping == before

    @rule(name=NAMES, was_running=st.booleans())
    def stop(self, name: str, *, was_running: bool) -> None:
        self.check(lambda: self.watching.stop(name, self.now, was_running=was_running))

    @rule()
    def stop_all(self) -> None:
        self.watching.watch.confirm_stop_all(at(self.now))

    @rule()
    def settle(self) -> None:
        self.now += 1  # which is enough for anything to settle
        self.check(lambda: self.watching.read(self.now))
        assert self.watching.watch.maintenance == Maintenance(
            active=False, running=frozenset()
        )

    @invariant()
    def running_is_what_was_told(self) -> None:
        maintenance = self.watching.watch.maintenance
        assert maintenance.running == self.running
        assert maintenance.stopping <= maintenance.running
        assert maintenance.active >= bool(maintenance.running)


Random.TestCase.settings = settings(max_examples=settings().max_examples // 2)
TestRandom = Random.TestCase


class Truth(RuleBasedStateMachine):
    """A server that tells all, which is read all the while, quickly and slowly."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = live()
        self.now = 0.0
        self.runs: dict[str, tuple[float, Activity]] = {}
        self.reads: list[tuple[float, list[Activity]]] = []
        self.asked: list[float] = []

    def tick(self) -> float:
        self.now += 1
        return self.now

    @rule(name=st.sampled_from([OPTIMIZE, BACKUP]))
    def start_or_finish(self, name: str) -> None:
        now = self.tick()
        if name in self.runs:
            begun, activity = self.runs.pop(name)
            assert self.watching.ended(now, activity) == [(name, begun, now)]
        else:
            activity = sub(name, f"{name} {now}")
            self.runs[name] = (now, activity)
            assert self.watching.started(now, activity) == [(name, now, None)]

    @rule()
    def ask(self) -> None:
        self.asked.append(self.tick())

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        """Let the server make up its answer to a request."""
        begun = data.draw(st.sampled_from(self.asked))
        self.asked.remove(begun)
        self.reads.append((begun, [activity for _, activity in self.runs.values()]))

    @precondition(lambda self: self.reads)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        read = data.draw(st.sampled_from(self.reads))
        self.reads.remove(read)
        begun, activities = read
        assert self.watching.read(begun, *activities, now=self.tick()) == []

    @invariant()
    def it_is_known(self) -> None:
        assert self.watching.running == sorted(self.runs)


Truth.TestCase.settings = settings(max_examples=settings().max_examples // 2)
TestTruth = Truth.TestCase
