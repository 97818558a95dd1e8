"""Merging the reads and the pushed events of a server's activities."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.plex_butler.plex.activities import (
    DONE_DELAY,
    MAX_ACTIVITIES,
    MAX_GAP,
    MAX_HINTS,
    ActivityLog,
)
from custom_components.plex_butler.plex.events import ActivityChange, ActivityEvent
from custom_components.plex_butler.plex.maintenance import TaskFinder
from custom_components.plex_butler.plex.models import Activity

EPOCH = datetime(2026, 11, 23, 3, tzinfo=UTC)
GAP = MAX_GAP.total_seconds()
DONE = DONE_DELAY.total_seconds()
STARTED, UPDATED, ENDED = ActivityChange
FINDER = TaskFinder({})


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def row(
    uuid: str = "a",
    title: str = "",
    progress: float | None = None,
    kind: str = "butler",
) -> Activity:
    return Activity(uuid=uuid, type=kind, title=title, subtitle="", progress=progress)


def push(
    log: ActivityLog, now: float, *events: tuple[ActivityChange, Activity]
) -> bool:
    return log.push(
        (ActivityEvent(change=c, activity=a) for c, a in events), FINDER, at(now)
    )


def read(
    log: ActivityLog, begun: float, *activities: Activity, now: float | None = None
) -> list[Activity]:
    return log.read(activities, FINDER, at(begun), at(begun if now is None else now))


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
    assert log.at_work == current
    read(log, 10.1, *shown, now=12)
    assert log.at_work == list(shown)


def test_start_and_end_in_one_frame() -> None:
    log = ActivityLog()
    push(log, 10, (STARTED, row("a")), (STARTED, row("b")), (ENDED, row("a")))
    assert log.at_work == [row("b")]
    read(log, 9, row("a"), now=11)
    assert log.at_work == [row("b")]


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
    assert len(log.at_work) == 2


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
    assert log.at_work == [row("b")]


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
    assert len(log.at_work) == MAX_ACTIVITIES
    push(log, 2, (UPDATED, row("0", "still followed")), (STARTED, row("new")))
    assert row("0", "still followed") in log.at_work
    assert row("new") not in log.at_work


@pytest.mark.parametrize("kind", ["library.refresh.items", "media.generate.credits"])
def test_other_activities_leave_room_for_the_butlers(kind: str) -> None:
    many = [row(str(n), kind=kind) for n in range(2 * MAX_ACTIVITIES)]
    log = ActivityLog()
    changed = push(log, 1, *((STARTED, activity) for activity in many))
    kept = MAX_HINTS if kind == "media.generate.credits" else 0
    assert len(log.at_work) == kept
    assert changed is bool(kept)
    assert push(log, 2, (STARTED, row()))
    assert row() in log.at_work
    read(log, 3, *many, row())
    assert len(log.at_work) == kept + 1
    assert row() in log.at_work


def test_activity_that_is_the_butlers_no_more_is_not_kept() -> None:
    log = ActivityLog()
    push(log, 10, (STARTED, row()))
    assert push(log, 11, (UPDATED, row(kind="library.refresh.items")))
    assert log.at_work == []
    read(log, 10.5, row(), now=12)
    assert log.at_work == []


def test_oldest_pushes_are_forgotten_first() -> None:
    log = ActivityLog()
    push(log, 1, (ENDED, row("oldest")), (STARTED, row()))
    push(log, 2, *((ENDED, row(str(n))) for n in range(MAX_ACTIVITIES - 2)))
    # Neither another push of a known one nor activities of others take any room.
    push(log, 3, (UPDATED, row()))
    push(log, 3, *((ENDED, row(f"{n}", kind="x")) for n in range(-9, 0)))
    read(log, 0, row("oldest"), now=4)
    assert log.at_work == [row()]
    push(log, 5, (ENDED, row("one more")))
    read(log, 0, row("oldest"), row("0"), now=6)
    assert log.at_work == [row(), row("oldest")]


# Rows at 100 %


def live() -> ActivityLog:
    log = ActivityLog()
    log.stream(up=True, now=at(0))
    read(log, 0)
    return log


FULL = row(progress=100)


@pytest.mark.parametrize("change", [STARTED, UPDATED])
def test_row_that_is_full_when_first_seen_is_not_at_work(
    change: ActivityChange,
) -> None:
    log = live()
    assert not push(log, 1, (change, FULL))
    assert log.shown == []
    read(log, 2, FULL)
    assert log.shown == []
    assert log.due is None


def test_row_is_paused_until_the_delay_is_over() -> None:
    log = live()
    push(log, 1, (STARTED, row(title="named", progress=83)), (STARTED, row("b")))
    assert push(log, 2, (UPDATED, row(title="last one", progress=100)))
    assert log.at_work == [row("b")]
    assert log.shown == [row("b"), row(title="named", progress=100)]
    # Nothing but time or work ends that.
    assert not push(log, 3, (UPDATED, FULL))
    read(log, 4, FULL, row("b"))
    assert log.due == at(2 + DONE)
    log.expire(at(1.999 + DONE))
    assert len(log.shown) == 2
    log.expire(at(2 + DONE))
    assert log.shown == [row("b")]
    assert log.due is None


@pytest.mark.parametrize("progress", [None, 0, 99.9])
def test_row_is_at_work_again(progress: float | None) -> None:
    log = live()
    push(log, 1, (STARTED, row()))
    push(log, 2, (UPDATED, FULL))
    assert push(log, 3, (UPDATED, row(progress=progress)))
    assert log.at_work == [row(progress=progress)]
    assert log.due is None
    push(log, 4, (UPDATED, FULL))
    assert log.due == at(4 + DONE)


def test_paused_row_ends() -> None:
    log = live()
    push(log, 1, (STARTED, row()), (STARTED, row("b")))
    push(log, 2, (UPDATED, FULL), (UPDATED, row("b", progress=100)))
    assert push(log, 3, (ENDED, FULL))
    assert log.shown == [row("b", progress=100)]
    read(log, 4)
    assert log.shown == []


@pytest.mark.parametrize("lost", [None, 2.5])
def test_second_read_without_a_stream_ends_the_pause(lost: float | None) -> None:
    log = live()
    push(log, 1, (STARTED, row()))
    if lost is None:
        log.stream(up=False, now=at(1))
        read(log, 2, FULL)
    else:
        push(log, 2, (UPDATED, FULL))
        log.stream(up=False, now=at(lost))
    assert log.due is None
    log.expire(at(60))
    assert log.shown == [FULL]
    # A stream that was lost, and is back, has not shown all of it.
    log.stream(up=True, now=at(61))
    assert log.due is None
    read(log, 62, FULL)
    assert log.shown == []


def test_row_that_is_full_after_an_outage_is_not_at_work() -> None:
    log = ActivityLog()
    read(log, 0, row(), row("b", progress=50))
    log.stream(up=True, now=at(1 + GAP))
    assert push(log, 1 + GAP, (UPDATED, FULL))
    assert log.shown == [row("b", progress=50)]
    read(log, 2 + GAP, FULL, row("b", progress=100))
    assert log.shown == []
