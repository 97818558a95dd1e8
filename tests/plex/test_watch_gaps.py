"""What was missed, and what is older than what is known already."""

import pytest

from custom_components.plex_butler.plex import Activity
from custom_components.plex_butler.plex.watch import MAX_ACTIVITIES, MAX_GAP

from .test_watch import (
    BACKUP,
    CREDITS,
    OPTIMIZE,
    Watching,
    live,
    parent,
    polled,
    sub,
    work,
)

GAP = MAX_GAP.total_seconds()

# Reads that are older than what the stream said since


def test_older_read_does_not_undo_a_start() -> None:
    watching = live()
    assert watching.started(10, sub(OPTIMIZE)) == [(OPTIMIZE, 10, None)]
    assert watching.read(9, now=11) == []
    assert watching.running == [OPTIMIZE]
    assert watching.read(12, now=13) == [(OPTIMIZE, 10, 13)]


def test_older_read_does_not_undo_an_end() -> None:
    watching = live()
    watching.started(10, sub(OPTIMIZE))
    assert watching.ended(20, sub(OPTIMIZE)) == [(OPTIMIZE, 10, 20)]
    assert watching.read(19, sub(OPTIMIZE), now=21) == []
    assert watching.running == []
    # Whoever is shown by a read from after that runs again.
    assert watching.read(21, sub(OPTIMIZE), now=22) == [(OPTIMIZE, 22, None)]


def test_older_read_does_not_undo_an_update() -> None:
    watching = live()
    watching.started(10, parent(subtitle=BACKUP))
    watching.updated(20, parent(subtitle=OPTIMIZE))
    assert watching.read(19, parent(subtitle=BACKUP), now=21) == []
    assert watching.running == [OPTIMIZE]


def test_start_and_end_during_a_read() -> None:
    watching = live()
    assert watching.started(10.1, sub(BACKUP)) == [(BACKUP, 10.1, None)]
    assert watching.ended(10.2, sub(BACKUP)) == [(BACKUP, 10.1, 10.2)]
    assert watching.read(10, sub(BACKUP), now=11) == []
    assert watching.running == []


def test_word_at_the_moment_a_read_begins_is_the_newer() -> None:
    watching = live()
    watching.started(10, sub(OPTIMIZE))
    assert watching.read(10, now=11) == []
    assert watching.running == [OPTIMIZE]


def test_read_that_was_overtaken_by_another_is_ignored() -> None:
    watching = polled()
    assert watching.read(20, sub(OPTIMIZE), now=21) == [(OPTIMIZE, 21, None)]
    assert watching.read(10, sub(BACKUP), now=22, tasks={}) == []
    assert watching.running == [OPTIMIZE]
    assert watching.watch.tasks


def test_reads_that_began_together_count_as_they_come() -> None:
    watching = polled()
    assert watching.read(10, sub(OPTIMIZE), now=11) == [(OPTIMIZE, 11, None)]
    assert watching.read(10, now=12) == [(OPTIMIZE, 11, 12)]


def test_clock_that_was_put_back_does_not_overtake() -> None:
    watching = polled()
    watching.read(5000, sub(OPTIMIZE))
    watching.read(4000, now=4001)
    assert watching.running == []


# Outages


@pytest.mark.parametrize("late", [0, 0.001])
def test_start_between_two_reads(late: float) -> None:
    watching = polled()
    runs = watching.read(GAP + late, sub(OPTIMIZE))
    assert runs == ([] if late else [(OPTIMIZE, GAP, None)])
    assert watching.running == [OPTIMIZE]
    assert watching.read(GAP + 9) == [(OPTIMIZE, None if late else GAP, GAP + 9)]


@pytest.mark.parametrize("late", [0, 0.001])
def test_end_between_two_reads(late: float) -> None:
    watching = polled()
    watching.read(10, sub(OPTIMIZE))
    end = 10 + GAP + late
    assert watching.read(end) == [(OPTIMIZE, None if late else 10, end)]


def test_gap_is_from_the_end_of_a_read_to_the_start_of_the_next() -> None:
    watching = polled()
    watching.read(10, now=60)
    assert watching.read(60 + GAP, sub(OPTIMIZE), now=300) == [(OPTIMIZE, 300, None)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((sub(OPTIMIZE, "a"),), (sub(OPTIMIZE, "b"),)),
        ((sub(OPTIMIZE, ""),), (sub(OPTIMIZE, ""),)),
        ((parent("a", subtitle=OPTIMIZE),), (parent("b", subtitle=OPTIMIZE),)),
        ((parent("a", subtitle=OPTIMIZE),), (parent("a"), sub(OPTIMIZE))),
    ],
)
def test_run_after_an_outage_may_be_another(
    before: tuple[Activity, ...], after: tuple[Activity, ...]
) -> None:
    watching = polled()
    watching.read(10, *before)
    assert watching.read(1000, *after) == []
    assert watching.read(1010) == [(OPTIMIZE, None, 1010)]


@pytest.mark.parametrize(
    "shown",
    [(sub(OPTIMIZE),), (parent(subtitle=OPTIMIZE),), (parent(), sub(OPTIMIZE))],
)
def test_run_after_an_outage_is_the_same_if_its_activity_is(
    shown: tuple[Activity, ...],
) -> None:
    watching = polled()
    watching.read(10, *shown)
    assert watching.read(1000, *shown) == []
    assert watching.read(1010) == [(OPTIMIZE, 10, 1010)]


@pytest.mark.parametrize(("uuid", "began"), [("parent", 10), ("another", None)])
def test_covered_run_after_an_outage(uuid: str, began: float | None) -> None:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    watching.read(20, parent())
    assert watching.read(1000, parent(uuid)) == []
    assert watching.read(1010) == [(OPTIMIZE, began, 1010)]


@pytest.mark.parametrize("late", [0, 0.5])
def test_run_started_from_here_during_an_outage(late: float) -> None:
    watching = polled()
    watching.start(OPTIMIZE, 1000, 1001)
    read = 1000 + GAP + late
    assert watching.read(read, sub(OPTIMIZE)) == []
    began = None if late else 1000
    assert watching.read(read + 1) == [(OPTIMIZE, began, read + 1)]


def test_live_stream_is_no_outage() -> None:
    watching = live()
    assert watching.started(1000, sub(OPTIMIZE)) == [(OPTIMIZE, 1000, None)]
    assert watching.updated(2000, parent(subtitle=BACKUP)) == [(BACKUP, 2000, None)]
    assert watching.ended(3000, sub(OPTIMIZE)) == [(OPTIMIZE, 1000, 3000)]
    assert watching.read(4000, now=4001) == [(BACKUP, 2000, 4001)]


def test_live_stream_that_is_lost_was_live_until_then() -> None:
    watching = live()
    watching.stream(1000, up=False)
    assert watching.read(1000 + GAP, sub(OPTIMIZE)) == [(OPTIMIZE, 1000 + GAP, None)]
    watching.stream(2000)
    assert watching.read(2001, sub(OPTIMIZE), sub(BACKUP)) == []
    assert watching.running == [BACKUP, OPTIMIZE]


def test_lost_stream_is_lost() -> None:
    watching = live()
    watching.stream(10, up=False)
    watching.read(20)
    assert watching.read(1000, sub(OPTIMIZE)) == []


def test_stream_is_live_only_after_a_read() -> None:
    watching = polled()
    watching.stream(1000)
    assert watching.updated(1001, parent(subtitle=OPTIMIZE)) == []
    assert watching.ended(1002, parent()) == [(OPTIMIZE, None, 1002)]
    # What starts now starts now.
    assert watching.started(1003, sub(BACKUP)) == [(BACKUP, 1003, None)]


def test_read_from_before_the_stream_does_not_make_it_live() -> None:
    watching = polled()
    watching.stream(20)
    watching.read(19, now=21)
    assert watching.read(1000, sub(OPTIMIZE)) == []
    assert watching.read(2000) == [(OPTIMIZE, None, 2000)]


def test_stream_that_comes_up_anew_needs_another_read() -> None:
    watching = live()
    watching.stream(10)
    assert watching.updated(1000, parent(subtitle=OPTIMIZE)) == []


def test_word_within_the_gap_is_of_now() -> None:
    watching = polled()
    watching.stream(GAP - 1)
    assert watching.updated(GAP, parent(subtitle=BACKUP)) == [(BACKUP, GAP, None)]
    assert watching.updated(GAP + 1, parent(subtitle=OPTIMIZE)) == [
        (BACKUP, None, GAP + 1)
    ]


def test_missed_end_is_mended_by_the_next_read() -> None:
    watching = live()
    watching.started(10, parent())
    watching.started(10, sub(OPTIMIZE))
    assert watching.read(300) == [(OPTIMIZE, 10, 300)]
    assert (watching.active, watching.running) == (False, [])


# What is remembered has an end


def _remembered(watching: Watching) -> int:
    watch = watching.watch
    return max(len(watch._heard), len(watch._activities))  # noqa: SLF001


def test_only_so_many_activities_are_remembered() -> None:
    watching = live()
    for number in range(2 * MAX_ACTIVITIES):
        watching.started(1, work("library.refresh.items", str(number)))
    assert _remembered(watching) == MAX_ACTIVITIES
    for number in range(2 * MAX_ACTIVITIES):
        watching.ended(2, work("library.refresh.items", str(number)))
    assert _remembered(watching) == MAX_ACTIVITIES
    watching.read(3)
    assert _remembered(watching) == 0


def test_run_among_countless_other_activities() -> None:
    watching = live()
    watching.started(1, parent())
    watching.started(1, sub(OPTIMIZE))
    for number in range(2 * MAX_ACTIVITIES):
        item = work("library.refresh.items", str(number))
        watching.started(2, item)
        watching.ended(2, item)
    assert watching.ended(3, sub(OPTIMIZE)) == [(OPTIMIZE, 1, 3)]
    assert watching.started(4, sub(BACKUP)) == [(BACKUP, 4, None)]
    assert watching.updated(5, parent(subtitle=CREDITS)) == [(CREDITS, 5, None)]


def test_what_was_heard_longest_ago_is_forgotten_first() -> None:
    watching = live()
    watching.started(1, sub(OPTIMIZE))
    for number in range(MAX_ACTIVITIES - 2):
        watching.ended(2, work("library.refresh.items", str(number)))
    watching.updated(3, sub(OPTIMIZE))
    for uuid in ("one more", "and another"):
        watching.started(3, work("library.refresh.items", uuid))
    assert watching.read(2.5, now=4) == []
    assert watching.running == [OPTIMIZE]


def test_known_activity_is_followed_when_no_more_fit() -> None:
    watching = live()
    watching.started(1, parent())
    for number in range(MAX_ACTIVITIES):
        watching.started(2, work("library.refresh.items", str(number)))
    assert watching.updated(3, parent(subtitle=OPTIMIZE)) == [(OPTIMIZE, 3, None)]
    assert watching.ended(4, parent()) == [(OPTIMIZE, 3, 4)]


def test_activities_without_a_uuid_are_told_apart() -> None:
    watching = polled()
    runs = watching.read(10, sub(OPTIMIZE, ""), sub(BACKUP, ""))
    assert runs == [(BACKUP, 10, None), (OPTIMIZE, 10, None)]
    assert watching.read(20, sub(BACKUP, "")) == [(OPTIMIZE, 10, 20)]
