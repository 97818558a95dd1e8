"""Runs on a server, in each of the ways in which it may show them."""

from itertools import product

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
import pytest

from custom_components.plex_butler.plex import Activity, ActivityEvent, ButlerWatch, Run
from tests.simulator import PlexSimulator, RowMode, RunShape, SimulatedTask
from tests.simulator.notifications import ActivityFeed

from .watching import BACKUP, CREDITS, OPTIMIZE, TASKS, at, seconds

# How often a server is polled while its Butler is at work and there is no stream.
POLLED = 5
# So many tasks that one more does not move the rounded figure.
MANY = 300


class Server:
    """A simulated server, followed by a watch at times that only tests move."""

    def __init__(
        self, row_mode: RowMode, shape: RunShape, before: int, *, stream: bool
    ) -> None:
        self.plex = PlexSimulator(
            tasks=[SimulatedTask(name, TASKS[name].title, "", 1) for name in TASKS]
        )
        self.plex.stop_delay = None
        self.plex.registered_before = before
        self.plex.shape = shape
        self.plex.hour = 3
        self.plex.row_mode = row_mode
        self.events: list[ActivityEvent] = []
        feed = ActivityFeed(lambda: self.plex.run_activities, self._announce)
        feed.look()
        self.plex.butler.listeners.append(feed.look)
        self.watch = ButlerWatch()
        self.now = 0.0
        self.up = stream
        self.runs: list[Run] = []
        self.connect(up=stream)

    def _announce(self, event: str, activity: dict[str, object]) -> None:
        raw = {"event": event, "uuid": activity["uuid"], "Activity": activity}
        self.events.append(ActivityEvent.from_json(raw))

    def connect(self, *, up: bool) -> None:
        self.up = up
        self.watch.stream(up=up, now=at(self.now))
        self.read()

    def deliver(self) -> None:
        """Let the watch have what was pushed, frame by frame."""
        for event in self.events if self.up else ():
            self.runs += self.watch.hear([event], at(self.now))
        self.events.clear()

    def activities(self) -> list[Activity]:
        return [Activity.from_json(raw) for raw in self.plex.run_activities]

    def read(self) -> None:
        self.deliver()
        now = at(self.now)
        self.runs += self.watch.read(TASKS, self.activities(), now, now)

    def wait(self, time: float) -> None:
        """Let time pass, as the coordinator does."""
        end = self.now + time
        while (due := self.watch.due) and (moment := seconds(due)) <= end:
            self.now = max(self.now, moment)
            self.runs += self.watch.look(at(self.now))
            assert self.watch.due is None or self.watch.due > at(self.now)
        self.now = end

    def start(self, name: str) -> None:
        """Start a task from here; the answer comes with or without what is pushed."""
        requested = self.now
        started = name not in self.plex.butler.running
        self.plex.butler.start(name)
        self.now += 0.05
        self.runs += self.watch.confirm_start(
            name, at(requested), at(self.now), started=started
        )
        self.deliver()

    def stop(self, name: str) -> None:
        was_running = name in self.plex.butler.running
        with self.watch.stopping([name]):
            self.plex.butler.stop(name)
            self.deliver()
        self.runs += self.watch.confirm_stop(
            name, at(self.now), was_running=was_running
        )

    def finish(self, name: str) -> None:
        self.plex.finish(name)
        self.deliver()


def shows(shape: RunShape, before: int) -> bool:
    return shape.sub_activities or before < MANY


MODES = list(product(RowMode, RunShape, (0, 5, MANY)))


@pytest.fixture(
    params=MODES, ids=lambda mode: f"{mode[0].name}-{mode[1].name}-{mode[2]}"
)
def mode(request: pytest.FixtureRequest) -> tuple[RowMode, RunShape, int]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=[True, False], ids=["stream", "polled"])
def server(
    request: pytest.FixtureRequest, mode: tuple[RowMode, RunShape, int]
) -> Server:
    return Server(*mode, stream=request.param)


def test_idle_server_shows_nothing(server: Server) -> None:
    maintenance = server.watch.maintenance
    assert (maintenance.active, maintenance.progress) == (False, None)
    assert server.watch.due is None


def test_started_task_of_three_seconds(
    server: Server, mode: tuple[RowMode, RunShape, int]
) -> None:
    _, shape, before = mode
    server.wait(100)
    server.start(OPTIMIZE)
    [begun] = server.runs
    assert (begun.name, begun.started, begun.finished) == (OPTIMIZE, at(100), None)
    server.wait(0.95)
    server.read()
    server.wait(2)
    server.finish(OPTIMIZE)
    told = server.now
    while server.watch.maintenance.active:
        assert server.now - told < 10
        server.wait(POLLED)
        if not server.up:
            server.read()
    _, run = server.runs
    assert run.name == OPTIMIZE
    assert run.observed is shows(shape, before)
    assert run.duration is not None
    if run.observed and server.up:
        assert run.duration == pytest.approx(3)
    assert run.duration <= 3 + POLLED


def test_task_that_runs_by_itself(
    server: Server, mode: tuple[RowMode, RunShape, int]
) -> None:
    """It is named where the server names it, and never taken for another."""
    _, shape, before = mode
    server.plex.butler.start(BACKUP)
    server.read()
    named = shape.sub_activities or (shape.subtitle and before < MANY)
    shown = shows(shape, before)
    assert server.watch.maintenance.running == ({BACKUP} if named else set())
    assert server.watch.maintenance.active is shown
    server.wait(2)
    server.read()
    assert server.watch.maintenance.unnamed is (shown and not named)
    server.finish(BACKUP)
    for _ in range(2):
        server.wait(POLLED)
        server.read()
    assert not server.watch.maintenance.active
    assert {run.name for run in server.runs} == ({BACKUP} if named else set())
    assert server.watch.last_runs.keys() == ({BACKUP} if named else set())
    if server.up and named:
        assert server.watch.last_runs[BACKUP].finished == at(2)


def test_run_of_less_than_a_second_is_never_unnamed(server: Server) -> None:
    server.plex.butler.start(BACKUP)
    seen = []
    for event in server.events:
        server.watch.hear([event] if server.up else [], at(0))
        seen.append(server.watch.maintenance.unnamed)
    server.events.clear()
    server.read()
    server.wait(0.9)
    server.finish(BACKUP)
    seen.append(server.watch.maintenance.unnamed)
    server.wait(POLLED)
    seen.append(server.watch.maintenance.unnamed)
    server.read()
    seen.append(server.watch.maintenance.unnamed)
    server.wait(20)
    seen.append(server.watch.maintenance.unnamed)
    assert not any(seen)


def test_two_tasks_one_after_the_other(
    server: Server, mode: tuple[RowMode, RunShape, int]
) -> None:
    """The first has ended when all was done, though the next begins at once."""
    server.start(OPTIMIZE)
    server.wait(3)
    server.plex.finish(OPTIMIZE)
    server.deliver()
    server.wait(1)
    server.plex.butler.start(BACKUP)
    server.deliver()
    server.wait(3)
    server.read()
    finished = [run for run in server.runs if run.finished]
    if shows(*mode[1:]) and server.up:
        assert [(run.name, run.duration) for run in finished] == [
            (OPTIMIZE, pytest.approx(3.05))
        ]


class Modes(RuleBasedStateMachine):
    """A server that is used at random, in any mode: in the end the watch is right."""

    server: Server

    @initialize(mode=st.sampled_from(MODES), stream=st.booleans())
    def begin(self, mode: tuple[RowMode, RunShape, int], *, stream: bool) -> None:
        self.server = Server(*mode, stream=stream)
        self.ours: set[str] = set()

    @rule(name=st.sampled_from([BACKUP, OPTIMIZE, CREDITS]), ours=st.booleans())
    def start(self, name: str, *, ours: bool) -> None:
        if ours:
            self.ours.add(name)
            self.server.start(name)
        else:
            self.server.plex.butler.start(name)

    @precondition(lambda self: self.server.plex.butler.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.server.plex.butler.running)))
        self.server.plex.finish(name)

    @rule(name=st.sampled_from([BACKUP, OPTIMIZE]))
    def stop(self, name: str) -> None:
        self.server.stop(name)

    @rule()
    def start_all(self) -> None:
        self.server.plex.butler.start_all()

    @rule(inside=st.booleans())
    def open_or_close_the_window(self, *, inside: bool) -> None:
        self.server.plex.hour = 3 if inside else 12

    @rule(pause=st.sampled_from([0.1, 1, 4, 6, 89, 91]))
    def wait(self, pause: float) -> None:
        self.server.deliver()
        self.server.wait(pause)

    @rule()
    def read(self) -> None:
        self.server.read()

    @rule(up=st.booleans())
    def connect(self, *, up: bool) -> None:
        self.server.connect(up=up)

    @rule()
    def settle(self) -> None:
        """Compare with what somebody knows who has only just come."""
        server = self.server
        for _ in range(3):
            server.read()
            server.wait(6)
        fresh = ButlerWatch()
        fresh.read(TASKS, server.activities(), at(server.now), at(server.now))
        known, shown = server.watch.maintenance, fresh.maintenance
        assert (known.active, known.progress) == (shown.active, shown.progress)
        if known.running != shown.running:
            # It is on a task that it does not name, but that was started from here.
            assert shown.unnamed
            assert known.running <= self.ours
        else:
            assert known.unnamed == shown.unnamed

    @invariant()
    def runs_are_told_once(self) -> None:
        open_runs: dict[str, Run] = {}
        for run in self.server.runs if hasattr(self, "server") else ():
            if run.finished is None:
                assert run.name not in open_runs
                open_runs[run.name] = run
            else:
                begun = open_runs.pop(run.name, None)
                assert run.started is None or (begun and begun.started == run.started)
                assert run.started is None or run.started <= run.finished
        if open_runs:
            assert open_runs.keys() <= self.server.watch.maintenance.running


Modes.TestCase.settings = settings(max_examples=settings().max_examples // 2)
TestModes = Modes.TestCase
