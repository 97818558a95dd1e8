"""What the Butler's runs look like from outside, and what becomes known of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ActivityEvent,
    ButlerTask,
    ButlerWatch,
    Run,
)
from custom_components.plex_butler.plex.events import ActivityChange

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
CREDITS = "ButlerTaskGenerateCreditsMarkers"
TASKS = {
    name: ButlerTask(
        name=name,
        title=title,
        description="",
        interval=1,
        schedule_randomized=False,
        enabled=True,
    )
    for name, title in (
        (BACKUP, "Backup Database"),
        (OPTIMIZE, "Optimize Database"),
        (CREDITS, "Generate Credits Markers"),
    )
}
_EPOCH = datetime(2026, 11, 23, 3, tzinfo=UTC)

type Told = tuple[str, float | None, float | None]
"""A run's name, and the seconds it started and finished at."""


def at(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def seconds(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - _EPOCH).total_seconds()


def told(runs: list[Run]) -> list[Told]:
    return [(run.name, seconds(run.started), seconds(run.finished)) for run in runs]


class Watching:
    """A watch, and all it is told, at so many seconds."""

    def __init__(self) -> None:
        self.watch = ButlerWatch()

    @property
    def running(self) -> list[str]:
        return sorted(self.watch.maintenance.running)

    @property
    def active(self) -> bool:
        return self.watch.maintenance.active

    def read(
        self,
        begun: float,
        *activities: Activity,
        now: float | None = None,
        tasks: Mapping[str, ButlerTask] = TASKS,
    ) -> list[Told]:
        end = at(begun if now is None else now)
        return told(self.watch.read(tasks, activities, at(begun), end))

    def hear(self, change: ActivityChange, now: float, activity: Activity) -> list[Run]:
        return self.watch.hear(ActivityEvent(change=change, activity=activity), at(now))

    def started(self, now: float, activity: Activity) -> list[Told]:
        return told(self.hear(ActivityChange.STARTED, now, activity))

    def updated(self, now: float, activity: Activity) -> list[Told]:
        return told(self.hear(ActivityChange.UPDATED, now, activity))

    def ended(self, now: float, activity: Activity) -> list[Told]:
        return told(self.hear(ActivityChange.ENDED, now, activity))

    def stream(self, now: float, *, up: bool = True) -> None:
        self.watch.stream(up=up, now=at(now))

    def start(
        self, name: str, requested: float, now: float, *, started: bool = True
    ) -> list[Told]:
        return told(self.watch.confirm(name, at(requested), at(now), started=started))

    def stop(self, name: str, now: float, *, was_running: bool = True) -> list[Told]:
        return told(self.watch.stop(name, at(now), was_running=was_running))


def polled() -> Watching:
    """Return a watch that has read an idle server, at 0."""
    watching = Watching()
    assert watching.read(0) == []
    return watching


def live() -> Watching:
    """Return the same, with the stream up since then."""
    watching = Watching()
    watching.stream(0)
    assert watching.read(0) == []
    return watching


def parent(
    uuid: str = "parent",
    *,
    title: str = "Butler tasks",
    subtitle: str = "",
    progress: float | None = None,
) -> Activity:
    return Activity(
        uuid=uuid, type="butler", title=title, subtitle=subtitle, progress=progress
    )


def sub(name: str, uuid: str | None = None) -> Activity:
    return parent(f"{name}'s" if uuid is None else uuid, title=name)


def work(kind: str, uuid: str = "work") -> Activity:
    return Activity(uuid=uuid, type=kind, title="A film", subtitle="", progress=1.0)


# Before anything is known


def test_nothing_is_known_at_first() -> None:
    watching = Watching()
    assert (watching.active, watching.running) == (False, [])
    assert watching.watch.tasks == {}
    assert watching.watch.last_started == watching.watch.last_finished == {}


def test_first_read_reports_nothing() -> None:
    watching = Watching()
    assert watching.read(0, parent(), sub(OPTIMIZE)) == []
    assert watching.running == [OPTIMIZE]
    assert watching.watch.tasks == TASKS
    assert watching.watch.last_started == {}
    assert watching.read(10, parent()) == [(OPTIMIZE, None, 10)]
    assert watching.watch.last_finished == {OPTIMIZE: at(10)}


def test_what_the_stream_says_before_the_first_read_is_no_news() -> None:
    watching = Watching()
    watching.stream(0)
    assert watching.started(1, parent()) == watching.started(1, sub(OPTIMIZE)) == []
    assert (watching.active, watching.running) == (True, [])
    assert watching.read(0, now=2) == []
    assert watching.running == [OPTIMIZE]
    assert watching.ended(3, sub(OPTIMIZE)) == [(OPTIMIZE, None, 3)]


# The ways a run may look


@pytest.mark.parametrize("title", ["Butler tasks", "Butler-Aufgaben"])
def test_sub_activities(title: str) -> None:
    watching = live()
    assert watching.started(10, parent(title=title)) == []
    assert (watching.active, watching.running) == (True, [])
    assert watching.started(11, sub(OPTIMIZE)) == [(OPTIMIZE, 11, None)]
    assert watching.started(12, sub(BACKUP)) == [(BACKUP, 12, None)]
    assert watching.running == [BACKUP, OPTIMIZE]
    assert watching.ended(13, sub(OPTIMIZE)) == [(OPTIMIZE, 11, 13)]
    assert watching.running == [BACKUP]
    assert watching.ended(14, sub(BACKUP)) == [(BACKUP, 12, 14)]
    assert (watching.active, watching.running) == (True, [])
    assert watching.ended(15, parent(title=title)) == []
    assert not watching.active
    assert watching.watch.last_started == {OPTIMIZE: at(11), BACKUP: at(12)}
    assert watching.watch.last_finished == {OPTIMIZE: at(13), BACKUP: at(14)}


@pytest.mark.parametrize("title", ["Butler tasks", "Butler-Aufgaben"])
def test_subtitle(title: str) -> None:
    watching = live()
    assert watching.started(10, parent(title=title)) == []
    assert watching.updated(11, parent(title=title, subtitle="Backup Database")) == [
        (BACKUP, 11, None)
    ]
    assert watching.updated(12, parent(title=title, subtitle=OPTIMIZE)) == [
        (OPTIMIZE, 12, None),
        (BACKUP, 11, 12),
    ]
    assert watching.ended(13, parent(title=title)) == [(OPTIMIZE, 12, 13)]
    assert (watching.active, watching.running) == (False, [])


@pytest.mark.parametrize("title", ["Butler tasks", "Butler-Aufgaben"])
def test_parent_only(title: str) -> None:
    """Which task runs is not known, and not claimed."""
    watching = live()
    assert watching.started(10, parent(title=title)) == []
    assert (watching.active, watching.running) == (True, [])
    assert watching.ended(20, parent(title=title)) == []
    assert (watching.active, watching.running) == (False, [])


def test_work_tells_the_task_only_during_a_run() -> None:
    watching = live()
    assert watching.started(10, work("media.generate.credits")) == []
    assert (watching.active, watching.running) == (False, [])
    assert watching.started(11, parent()) == [(CREDITS, 11, None)]
    assert watching.ended(12, parent()) == [(CREDITS, 11, 12)]
    assert not watching.active


def test_progress_is_not_the_end() -> None:
    watching = live()
    watching.started(10, parent())
    watching.started(10, sub(OPTIMIZE))
    for progress in (100, 83.3, 100, 85.7, 100):
        assert watching.updated(11, parent(progress=progress)) == []
        assert watching.watch.maintenance.progress == progress
        assert watching.running == [OPTIMIZE]
    watching.ended(12, parent(progress=100))
    assert watching.watch.maintenance.progress is None


# Runs as such


def test_duration_is_known_from_both_ends() -> None:
    run = Run(name=OPTIMIZE, started=at(1))
    assert run.duration is None
    assert Run(name=OPTIMIZE, started=at(1), finished=at(3.5)).duration == 2.5
    assert Run(name=OPTIMIZE, started=None, finished=at(3)).duration is None


def test_observed_is_what_the_server_showed() -> None:
    watching = live()
    run = watching.hear(ActivityChange.STARTED, 1, sub(OPTIMIZE))[0]
    assert not run.observed  # not yet when it is told
    assert watching.hear(ActivityChange.ENDED, 2, sub(OPTIMIZE))[0].observed


@pytest.mark.parametrize(
    ("shown", "observed"), [((), False), ((parent(),), True), ((sub(BACKUP),), False)]
)
def test_started_here_is_observed_by_any_run_that_may_be_it(
    shown: tuple[Activity, ...], *, observed: bool
) -> None:
    watching = polled()
    watching.start(OPTIMIZE, 1, 1)
    watching.read(1, *shown)
    [run] = (
        run
        for run in watching.watch.read(TASKS, (), at(5), at(5))
        if run.name == OPTIMIZE
    )
    assert run.observed is observed


def test_once_observed_is_observed() -> None:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    watching.read(10.1, parent())
    assert watching.read(10.2, parent(subtitle=BACKUP)) == [(BACKUP, 10.2, None)]
    runs = watching.watch.read(TASKS, (), at(20), at(20))
    assert {run.name: run.observed for run in runs} == {BACKUP: True, OPTIMIZE: True}


def test_two_tasks_in_one_moment_are_told_in_order() -> None:
    watching = polled()
    both = (sub(OPTIMIZE), sub(BACKUP))
    assert watching.read(5, *both) == [(BACKUP, 5, None), (OPTIMIZE, 5, None)]
    assert watching.read(9) == [(BACKUP, 5, 9), (OPTIMIZE, 5, 9)]


def test_task_that_leaves_the_list_no_longer_runs() -> None:
    watching = polled()
    watching.read(1, parent(), sub(OPTIMIZE), sub(BACKUP))
    left = {BACKUP: TASKS[BACKUP]}
    shown = (parent(), sub(OPTIMIZE), sub(BACKUP))
    assert watching.read(2, *shown, tasks=left) == [(OPTIMIZE, 1, 2)]
    assert watching.running == [BACKUP]
    assert watching.ended(3, sub(OPTIMIZE)) == []
