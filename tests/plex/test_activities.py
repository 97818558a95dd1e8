"""Merging the reads and the pushed events of a server's activities."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.plex_butler.plex.activities import (
    MAX_ACTIVITIES,
    MAX_GAP,
    ActivityLog,
)
from custom_components.plex_butler.plex.events import ActivityChange, ActivityEvent
from custom_components.plex_butler.plex.models import Activity

EPOCH = datetime(2026, 11, 23, 3, tzinfo=UTC)
GAP = MAX_GAP.total_seconds()
STARTED, UPDATED, ENDED = ActivityChange


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def row(uuid: str, title: str = "") -> Activity:
    return Activity(uuid=uuid, type="butler", title=title, subtitle="", progress=None)


def push(
    log: ActivityLog, now: float, *events: tuple[ActivityChange, Activity]
) -> None:
    log.push((ActivityEvent(change=c, activity=a) for c, a in events), at(now))


def read(
    log: ActivityLog, begun: float, *activities: Activity, now: float | None = None
) -> list[Activity]:
    return log.read(activities, at(begun), at(begun if now is None else now))


@pytest.mark.parametrize(
    ("pushed", "shown", "current"),
    [
        ((STARTED, row("a")), (), [row("a")]),
        ((UPDATED, row("a", "new")), (row("a", "old"),), [row("a", "new")]),
        ((ENDED, row("a")), (row("a"),), []),
        ((ENDED, row("a")), (row("a"), row("b")), [row("b")]),
    ],
)
@pytest.mark.parametrize("begun", [9, 10])
def test_read_does_not_undo_what_was_pushed_since_it_began(
    pushed: tuple[ActivityChange, Activity],
    shown: tuple[Activity, ...],
    current: list[Activity],
    begun: float,
) -> None:
    log = ActivityLog()
    read(log, 0, row("a"))
    push(log, 10, pushed)
    read(log, begun, *shown, now=11)
    assert list(log.current) == current
    read(log, 10.1, *shown, now=12)
    assert list(log.current) == list(shown)


def test_start_and_end_in_one_frame() -> None:
    log = ActivityLog()
    push(log, 10, (STARTED, row("a")), (STARTED, row("b")), (ENDED, row("a")))
    assert list(log.current) == [row("b")]
    read(log, 9, row("a"), now=11)
    assert list(log.current) == [row("b")]


def test_read_returns_what_was_known_before() -> None:
    log = ActivityLog()
    assert read(log, 0, row("a"), row("")) == []
    push(log, 2, (STARTED, row("b")))
    assert read(log, 1, row("a", "new"), row(""), row("c")) == [
        row("b"),
        row("a", "new"),
    ]


def test_activities_without_a_uuid_are_told_apart() -> None:
    log = ActivityLog()
    read(log, 0, row("", "one"), row("", "two"))
    assert len(log.current) == 2


@pytest.mark.parametrize(
    ("begun", "now", "outdated"),
    [
        (9, 21, True),
        (10, 21, False),
        (11, 21, False),
        # The clock was put back.
        (8, 9, False),
    ],
)
def test_read_is_outdated_by_one_that_began_later(
    begun: float, now: float, *, outdated: bool
) -> None:
    log = ActivityLog()
    assert not log.is_outdated(at(begun), at(now))
    read(log, 10, now=20)
    assert log.is_outdated(at(begun), at(now)) is outdated


def test_forget() -> None:
    log = ActivityLog()
    read(log, 0, row("a"), row("", "without uuid"), row("b"))
    log.forget(lambda activity: activity.uuid != "b")
    assert list(log.current) == [row("b")]


# Whether something can have been missed


def test_nothing_is_known_before_the_first_read() -> None:
    log = ActivityLog()
    assert not log.missed_nothing(at(0))
    log.stream(up=True, now=at(0))
    assert not log.missed_nothing(at(0))


@pytest.mark.parametrize("up_since", [None, 5])
def test_gap_is_from_the_end_of_a_read(up_since: float | None) -> None:
    """A stream that connected during the read does not count before the next."""
    log = ActivityLog()
    read(log, 0, now=10)
    if up_since:
        log.stream(up=True, now=at(up_since))
    assert log.missed_nothing(at(10 + GAP))
    assert not log.missed_nothing(at(10.001 + GAP))


def test_stream_misses_nothing_until_it_is_lost() -> None:
    log = ActivityLog()
    log.stream(up=True, now=at(5))
    assert log.stream_up
    read(log, 5)
    assert log.missed_nothing(at(5000))
    log.stream(up=False, now=at(6000))
    assert not log.stream_up
    assert log.missed_nothing(at(6000 + GAP))
    assert not log.missed_nothing(at(6000.001 + GAP))


def test_stream_that_connects_anew_needs_another_read() -> None:
    log = ActivityLog()
    log.stream(up=True, now=at(0))
    read(log, 0)
    log.stream(up=True, now=at(10))
    assert not log.missed_nothing(at(11 + GAP))
    log.stream(up=False, now=at(20))
    assert not log.missed_nothing(at(11 + GAP))
    log.stream(up=True, now=at(30))
    read(log, 30)
    assert log.missed_nothing(at(5000))


# What is kept is limited


def test_only_so_many_activities_are_kept() -> None:
    log = ActivityLog()
    push(log, 1, *((STARTED, row(str(n))) for n in range(2 * MAX_ACTIVITIES)))
    assert len(log.current) == MAX_ACTIVITIES
    push(log, 2, (UPDATED, row("0", "still followed")), (STARTED, row("new")))
    assert row("0", "still followed") in log.current
    assert row("new") not in log.current


def test_oldest_pushes_are_forgotten_first() -> None:
    log = ActivityLog()
    ends = [(ENDED, row(str(n))) for n in range(MAX_ACTIVITIES - 1)]
    push(log, 1, (STARTED, row("a")), (ENDED, row("b")), *ends[:-1])
    push(log, 2, (UPDATED, row("a")), ends[-1])
    # All but the end of "b" are newer than this read.
    read(log, 0, *(row(str(n)) for n in range(MAX_ACTIVITIES)), row("b"), now=3)
    assert list(log.current) == [
        row("a"),
        row(str(MAX_ACTIVITIES - 1)),
        row("b"),
    ]
