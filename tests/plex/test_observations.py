"""What is kept for reports of problems of how a server shows its Butler."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ActivityEvent,
    ButlerTask,
    MaintenanceWindow,
    Observations,
)
from custom_components.plex_butler.plex.events import ActivityChange
from custom_components.plex_butler.plex.models import StartResult

from .watching import BACKUP, OPTIMIZE, TASKS, at

WINDOW = MaintenanceWindow(start=2, end=5, zone=UTC)
CLOSED = MaintenanceWindow(start=7, end=8, zone=UTC)
NAMED = "Backup Database"

type Step = tuple[float, float | str | None]


def activity(title: str, progress: float | None = None, **fields: str) -> Activity:
    fields = {"uuid": title, "type": "butler", "subtitle": "", **fields}
    return Activity(title=title, progress=progress, **fields)


def row(progress: float | None = None, subtitle: str = "") -> Activity:
    return activity("Butler tasks", progress, subtitle=subtitle)


def event(activity: Activity, change: str = "updated") -> ActivityEvent:
    return ActivityEvent(change=ActivityChange(change), activity=activity)


@pytest.fixture
def seen() -> Observations:
    seen = Observations()
    seen.read(TASKS, (), at(0))
    return seen


def frames(seen: Observations) -> list[tuple[Any, ...]]:
    return [tuple(frame) for frame in seen.as_dict()["frames"]["rows"]]


def pushed(seen: Observations, steps: Iterable[Step]) -> None:
    """Push the row's progress at some seconds, or that it ended."""
    for seconds, progress in steps:
        if progress == "ended":
            seen.hear([event(row(), "ended")], at(seconds))
        else:
            seen.hear([event(row(progress))], at(seconds))


def listed(seen: Observations, steps: Iterable[Step]) -> None:
    """Read the row's progress at some seconds, or that there is no row."""
    for seconds, progress in steps:
        rows = () if progress == "ended" else (row(progress),)
        seen.read(TASKS, rows, at(seconds))


def test_frames_name_nothing(seen: Observations) -> None:
    secret = activity("Holiday.mkv", 5, type="media.generate.bif", subtitle="Mine")
    other = activity("Holiday.mkv", 5, type="library.refresh.items")
    seen.hear([event(row(83.3, NAMED), "started"), event(secret)], at(10))
    seen.hear([event(other)], at(11))
    seen.hear([event(activity(BACKUP), "started")], at(11.5))
    seen.hear([event(row(100), "ended"), event(secret)], at(12))
    assert seen.as_dict()["frames"]["columns"] == (
        *("seconds", "event", "type"),
        *("title_is_task", "subtitle_is_task", "progress", "has_parent"),
    )
    assert frames(seen) == [
        (0, "started", "butler", False, True, 83.3, True),
        (0, "updated", "media.generate.bif", False, False, 5, True),
        (1.5, "started", "butler", True, False, None, True),
        (2, "ended", "butler", False, False, 100, False),
        (2, "updated", "media.generate.bif", False, False, 5, False),
    ]
    assert "Holiday" not in str(seen.as_dict())


def test_parent_that_was_read(seen: Observations) -> None:
    seen.read(TASKS, [activity("x", type="y"), row(100)], at(1))
    seen.hear([event(activity(BACKUP))], at(2))
    seen.read(TASKS, [activity(BACKUP)], at(3))
    seen.hear([event(activity(BACKUP))], at(4))
    assert [frame[-1] for frame in frames(seen)] == [True, False]


def test_only_the_last_frames_are_kept(seen: Observations) -> None:
    for second in range(3):
        seen.hear([event(row(n)) for n in range(second, second + 150)], at(second))
    kept = frames(seen)
    assert [frame[5] for frame in kept] == [*range(101, 151), *range(2, 152)]
    assert (kept[0][0], kept[-1][0]) == (1, 2)
    seen.hear([event(row(n)) for n in range(999)], at(5))
    assert [frame[5] for frame in frames(seen)] == [*range(799, 999)]


@pytest.mark.parametrize("show", [pushed, listed])
@pytest.mark.parametrize(
    ("steps", "behavior"),
    [
        ([], "unknown"),
        ([(1, 50)], "unknown"),
        ([(1, "ended")], "unknown"),
        ([(1, 50), (2, "ended")], "only_in_runs"),
        ([(1, 50), (2, 100), (6.9, "ended")], "only_in_runs"),
        ([(1, 50), (2, 100), (7, "ended")], "unknown"),
        ([(1, 100), (6, 100)], "stays"),
        ([(1, 100), (3, 100), (6, 100)], "stays"),
        ([(1, 100), (3, None), (4, 100), (8, 100)], "unknown"),
        ([(1, 100), (3, "ended"), (4, 100), (8, 100)], "only_in_runs"),
        ([(1, 100), (6, 100), (7, 50), (8, "ended")], "stays"),
        ([(1, 50), (2, "ended"), (3, 100), (9, 100)], "stays"),
    ],
)
def test_behavior_of_the_row(
    seen: Observations, show: Any, steps: list[Step], behavior: str
) -> None:
    show(seen, steps)
    assert seen.as_dict()["row"] == behavior


@pytest.mark.parametrize(
    ("window", "in_window"), [(WINDOW, True), (CLOSED, False), (None, None)]
)
def test_start_that_shows_nothing(
    seen: Observations, window: MaintenanceWindow | None, *, in_window: bool | None
) -> None:
    seen.start(BACKUP, window, at(0))
    seen.hear([event(row(100, NAMED)), event(activity(BACKUP), "ended")], at(1))
    seen.read(TASKS, [row(100)], at(60))
    seen.hear([event(row(50, NAMED))], at(61))  # too late
    assert seen.as_dict()["starts"] == [
        {
            "name": BACKUP,
            "in_window": in_window,
            "result": None,
            "shown_after": None,
            "named_after": None,
        }
    ]


def test_starts_that_are_shown(seen: Observations) -> None:
    seen.start(BACKUP, None, at(0)).result = StartResult.STARTED
    seen.start(OPTIMIZE, None, at(1)).result = StartResult.ALREADY_RUNNING
    seen.read(TASKS, [row(50)], at(2))
    seen.hear([event(row(60, NAMED))], at(2.5))
    seen.hear([event(row(70, NAMED))], at(60))
    assert [tuple(start.values()) for start in seen.as_dict()["starts"]] == [
        (BACKUP, None, "started", 2, 2.5),
        (OPTIMIZE, None, "already_running", 1, None),
    ]


def test_only_the_last_starts_are_kept(seen: Observations) -> None:
    for number in range(21):
        seen.start(str(number), None, at(number))
    names = [start["name"] for start in seen.as_dict()["starts"]]
    assert names == [str(number) for number in range(1, 21)]


def test_texts_that_came(seen: Observations) -> None:
    bare = ButlerTask.from_json({"name": "Bare"})
    titled = ButlerTask.from_json({"name": "Titled", "title": "x"})
    described = ButlerTask.from_json({"name": "Y", "title": "y", "description": "z"})
    tasks = {task.name: task for task in (bare, titled, described)}
    seen.read(tasks, (), at(1))
    summary = seen.as_dict()
    counts = [summary[key] for key in ("tasks", "with_title", "with_description")]
    assert counts == [3, 2, 1]
