"""Reads in which the activities could not be read."""

from dataclasses import replace

import pytest

from .watching import (
    BACKUP,
    OPTIMIZE,
    TASKS,
    Told,
    Watching,
    at,
    live,
    parent,
    polled,
    sub,
    told,
)


def unread(watching: Watching, begun: float) -> list[Told]:
    return told(watching.watch.read(TASKS, None, at(begun), at(begun)))


def active(watching: Watching) -> bool | None:
    return watching.watch.maintenance.active


def test_the_first_read() -> None:
    """The tasks are known, and nothing else is."""
    watching = Watching()
    assert unread(watching, 0) == []
    assert watching.watch.tasks == TASKS
    assert active(watching) is None
    assert watching.read(10, sub(OPTIMIZE)) == []
    assert active(watching) is True
    assert watching.read(20) == [(OPTIMIZE, None, 20)]
    assert active(watching) is False


def test_an_idle_server() -> None:
    watching = polled()
    assert unread(watching, 60) == []
    assert active(watching) is False
    assert unread(watching, 120) == []
    assert active(watching) is None
    assert unread(watching, 180) == []
    assert active(watching) is None


def test_the_tasks_change() -> None:
    watching = polled()
    disabled = {BACKUP: replace(TASKS[BACKUP], enabled=False)}
    watching.watch.read(disabled, None, at(1), at(1))
    assert watching.watch.tasks == disabled


def test_a_run_is_kept_for_some_time() -> None:
    watching = polled()
    watching.read(10, parent(), sub(OPTIMIZE))
    assert unread(watching, 70) == []
    assert watching.running == [OPTIMIZE]
    assert watching.read(80, parent(), sub(OPTIMIZE)) == []
    assert watching.watch.current_runs[OPTIMIZE].started == at(10)
    assert unread(watching, 180) == [(OPTIMIZE, None, 180)]
    assert (watching.running, active(watching)) == ([], None)
    # It is no news that a task is running after that.
    assert watching.read(190, parent(), sub(OPTIMIZE)) == []
    assert watching.running == [OPTIMIZE]


def test_a_run_started_here_without_a_stream() -> None:
    """It is over at some time."""
    watching = polled()
    watching.start(BACKUP, 10, 10)
    assert unread(watching, 12) == []
    assert watching.running == [BACKUP]
    assert unread(watching, 95) == [(BACKUP, 10, 95)]
    assert (watching.running, active(watching)) == ([], None)


def test_a_run_that_the_stream_shows() -> None:
    watching = live()
    watching.started(10, sub(OPTIMIZE))
    for begun in (60, 120, 1000):
        assert unread(watching, begun) == []
        assert watching.running == [OPTIMIZE]
    assert watching.ended(1010, sub(OPTIMIZE)) == [(OPTIMIZE, 10, 1010)]
    assert unread(watching, 1020) == []
    assert active(watching) is False


@pytest.mark.parametrize("shown", [False, True])
def test_a_run_started_here_with_a_stream(*, shown: bool) -> None:
    """What the stream does not show is over."""
    watching = live()
    if shown:
        watching.started(10, parent())
    watching.start(BACKUP, 10, 10)
    runs = unread(watching, 12)
    assert runs == ([] if shown else [(BACKUP, 10, 12)])


def test_a_stream_without_any_read() -> None:
    """It shows what begins, but not whether anything was running before."""
    watching = Watching()
    watching.stream(0)
    assert unread(watching, 1) == []
    assert active(watching) is None
    assert watching.started(10, sub(OPTIMIZE)) == [(OPTIMIZE, 10, None)]
    assert unread(watching, 60) == []
    assert (watching.running, active(watching)) == ([OPTIMIZE], True)
    assert [run[0] for run in watching.ended(70, sub(OPTIMIZE))] == [OPTIMIZE]
    assert active(watching) is None
