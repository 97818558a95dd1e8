"""When tasks start and end, whatever a server shows of it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from custom_components.plex_butler.plex import Activity, Maintenance, Run
from custom_components.plex_butler.plex.activities import MAX_GAP
from custom_components.plex_butler.plex.events import ActivityChange

from .watching import (
    BACKUP,
    CREDITS,
    OPTIMIZE,
    TASKS,
    Watching,
    at,
    live,
    parent,
    polled,
    sub,
    told,
    work,
)

GAP = MAX_GAP.total_seconds()


# Before anything is known


def test_first_read_reports_nothing() -> None:
    watching = Watching()
    assert watching.read(0, parent(), sub(OPTIMIZE)) == []
    assert watching.running == [OPTIMIZE]
    assert watching.watch.tasks == TASKS
    assert watching.last == []
    assert watching.read(10, parent()) == [(OPTIMIZE, None, 10)]
    assert watching.last == [(OPTIMIZE, None, 10)]


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
    assert watching.last == [(OPTIMIZE, 11, 13), (BACKUP, 12, 14)]


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


def test_older_read_does_not_undo_an_end() -> None:
    watching = live()
    watching.started(10, sub(OPTIMIZE))
    assert watching.ended(20, sub(OPTIMIZE)) == [(OPTIMIZE, 10, 20)]
    assert watching.read(19, sub(OPTIMIZE), now=21) == []
    assert watching.running == []
    # Whoever is shown by a read from after that runs again.
    assert watching.read(21, sub(OPTIMIZE), now=22) == [(OPTIMIZE, 22, None)]


def test_read_that_was_overtaken_by_another_is_ignored() -> None:
    watching = polled()
    assert watching.read(20, sub(OPTIMIZE), now=21) == [(OPTIMIZE, 21, None)]
    assert watching.read(10, sub(BACKUP), now=22, tasks={}) == []
    assert watching.running == [OPTIMIZE]
    assert watching.watch.tasks


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((sub(OPTIMIZE, "a"),), (sub(OPTIMIZE, "b"),)),
        ((sub(OPTIMIZE, ""),), (sub(OPTIMIZE, ""),)),
        ((parent("a", subtitle=OPTIMIZE),), (parent("b", subtitle=OPTIMIZE),)),
        ((parent("a", subtitle=OPTIMIZE),), (parent("a"), sub(OPTIMIZE))),
        ((parent("a", subtitle=OPTIMIZE),), (parent("a", subtitle=OPTIMIZE),)),
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
    [(sub(OPTIMIZE),), (parent(), sub(OPTIMIZE))],
)
def test_run_after_an_outage_is_the_same_if_its_activity_is(
    shown: tuple[Activity, ...],
) -> None:
    watching = polled()
    watching.read(10, *shown)
    assert watching.read(1000, *shown) == []
    assert watching.read(1010) == [(OPTIMIZE, 10, 1010)]


@pytest.mark.parametrize("uuid", ["parent", "another"])
def test_unnamed_run_after_an_outage_may_be_another(uuid: str) -> None:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    watching.read(20, parent())
    assert watching.read(1000, parent(uuid)) == []
    assert watching.read(1010) == [(OPTIMIZE, None, 1010)]


@pytest.mark.parametrize("late", [0, 0.5])
def test_run_started_from_here_during_an_outage(late: float) -> None:
    watching = polled()
    watching.start(OPTIMIZE, 1000, 1001)
    read = 1000 + GAP + late
    assert watching.read(read, sub(OPTIMIZE)) == []
    began = None if late else 1000
    assert watching.read(read + 1) == [(OPTIMIZE, began, read + 1)]


def test_stream_is_live_only_after_a_read() -> None:
    watching = polled()
    watching.stream(1000)
    assert watching.updated(1001, parent(subtitle=OPTIMIZE)) == []
    assert watching.ended(1002, parent()) == [(OPTIMIZE, None, 1002)]
    # What starts now starts now.
    assert watching.started(1003, sub(BACKUP)) == [(BACKUP, 1003, None)]


@pytest.mark.parametrize(
    ("shown", "began"), [(sub(OPTIMIZE), 10), (parent(subtitle=OPTIMIZE), None)]
)
def test_end_after_an_outage_and_before_the_read(
    shown: Activity, began: float | None
) -> None:
    watching = polled()
    watching.read(10, shown)
    watching.stream(1000)
    assert watching.ended(1001, shown) == [(OPTIMIZE, began, 1001)]


def test_word_within_the_gap_is_of_now() -> None:
    watching = polled()
    watching.stream(GAP - 1)
    assert watching.updated(GAP, parent(subtitle=BACKUP)) == [(BACKUP, GAP, None)]
    assert watching.updated(GAP + 1, parent(subtitle=OPTIMIZE)) == [
        (BACKUP, GAP, GAP + 1)
    ]


# What is remembered has an end


# Tasks started by this client


def test_runs_from_its_request_until_a_settled_read_shows_nothing() -> None:
    watching = polled()
    assert watching.start(BACKUP, 10, 10.2) == [(BACKUP, 10, None)]
    assert (watching.active, watching.running) == (True, [BACKUP])
    assert watching.watch.current_runs[BACKUP].started == at(10)
    assert watching.read(10.99, now=12) == []  # too soon after the answer
    assert watching.running == [BACKUP]
    assert watching.read(11, now=13) == [(BACKUP, 10, 13)]
    assert (watching.active, watching.running) == (False, [])


def test_runs_from_its_request_until_it_is_seen_and_gone() -> None:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    assert watching.read(10.5, parent(), sub(OPTIMIZE)) == []
    assert watching.running == [OPTIMIZE]
    # Once it was seen, nothing has to settle.
    assert watching.read(10.6) == [(OPTIMIZE, 10, 10.6)]


def test_task_that_was_named_is_not_covered_when_no_more_is() -> None:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    watching.read(10.5, parent(), sub(OPTIMIZE))
    assert watching.read(10.6, parent()) == [(OPTIMIZE, 10, 10.6)]


def test_covered_by_a_run_that_names_no_task() -> None:
    watching = live()
    watching.start(OPTIMIZE, 10, 10)
    assert watching.started(10.1, parent()) == []
    assert watching.read(100, parent()) == []
    assert watching.running == [OPTIMIZE]
    assert watching.ended(200, parent()) == [(OPTIMIZE, 10, 200)]
    assert not watching.active


def test_not_covered_by_a_run_that_names_another() -> None:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    assert watching.read(20, parent(subtitle=BACKUP)) == [
        (BACKUP, 20, None),
        (OPTIMIZE, 10, 20),
    ]


def test_run_that_covers_it_may_show_late() -> None:
    watching = live()
    watching.start(OPTIMIZE, 10, 10)
    # The end of another run, which never covered it.
    assert watching.ended(10.1, parent("other")) == []
    assert watching.running == [OPTIMIZE]
    assert watching.started(10.2, parent()) == []
    assert watching.ended(12, parent()) == [(OPTIMIZE, 10, 12)]


def test_two_at_once() -> None:
    watching = live()
    watching.start(OPTIMIZE, 10, 10)
    watching.start(BACKUP, 11, 11)
    assert watching.running == [BACKUP, OPTIMIZE]
    watching.started(11, parent())
    watching.started(11, sub(OPTIMIZE))
    assert watching.read(20, parent(), sub(OPTIMIZE)) == [(BACKUP, 11, 20)]
    assert watching.ended(30, sub(OPTIMIZE)) == [(OPTIMIZE, 10, 30)]


def test_answer_after_the_start_was_seen_is_no_news() -> None:
    watching = live()
    assert watching.started(10.1, sub(OPTIMIZE)) == [(OPTIMIZE, 10.1, None)]
    assert watching.start(OPTIMIZE, 10, 10.2) == []
    assert watching.ended(11, sub(OPTIMIZE)) == [(OPTIMIZE, 10.1, 11)]


def test_answer_after_the_run_is_over() -> None:
    watching = live()
    assert watching.started(10, sub(BACKUP)) == [(BACKUP, 10, None)]
    assert watching.ended(10.1, sub(BACKUP)) == [(BACKUP, 10, 10.1)]
    assert watching.start(BACKUP, 10, 10.2) == []
    assert (watching.active, watching.running) == (False, [])


def test_answer_after_the_run_is_over_that_names_no_task() -> None:
    watching = live()
    watching.started(10, parent())
    watching.ended(10.1, parent())
    watching.started(10.15, work("library.refresh.items"))
    runs = watching.start(BACKUP, 10, 10.2)
    assert runs == [(BACKUP, 10, None), (BACKUP, 10, 10.1)]
    assert (watching.active, watching.running) == (False, [])
    assert watching.read(20) == []


def test_end_of_another_run_during_the_request() -> None:
    watching = live()
    watching.started(8, parent("nightly"))
    watching.updated(10.05, parent("nightly", progress=50))
    watching.ended(10.1, parent("nightly"))
    assert watching.start(BACKUP, 10, 10.2) == [(BACKUP, 10, None)]
    assert watching.running == [BACKUP]


def test_run_that_was_over_before_its_answer_was_observed() -> None:
    watching = live()
    watching.started(10, parent())
    watching.ended(10.1, parent())
    runs = watching.watch.confirm_start(BACKUP, at(10), at(10.2), started=True)
    assert [run.observed for run in runs] == [False, True]


def test_run_over_before_the_request_is_another() -> None:
    watching = live()
    watching.started(8, sub(BACKUP))
    watching.ended(9, sub(BACKUP))
    assert watching.start(BACKUP, 9.5, 10) == [(BACKUP, 9.5, None)]
    assert watching.running == [BACKUP]


def test_run_over_during_the_request_is_another_if_one_runs_now() -> None:
    watching = live()
    watching.started(8, parent("nightly"))
    watching.ended(10.1, parent("nightly"))
    watching.started(10.2, parent())
    assert watching.start(OPTIMIZE, 10, 10.3) == [(OPTIMIZE, 10, None)]
    assert watching.running == [OPTIMIZE]
    assert watching.ended(60, parent()) == [(OPTIMIZE, 10, 60)]


def test_end_of_what_was_only_assumed_says_nothing_of_another() -> None:
    watching = polled()
    watching.start(BACKUP, 10, 10)
    assert watching.read(11, now=12) == [(BACKUP, 10, 12)]
    assert watching.start(OPTIMIZE, 11.5, 12.5) == [(OPTIMIZE, 11.5, None)]
    assert watching.running == [OPTIMIZE]


def test_already_running_is_no_start() -> None:
    watching = polled()
    assert watching.start(OPTIMIZE, 10, 10, started=False) == []
    assert watching.running == [OPTIMIZE]
    assert watching.watch.current_runs[OPTIMIZE].started is None
    assert watching.read(20) == [(OPTIMIZE, None, 20)]


def test_already_running_as_known() -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    assert watching.start(OPTIMIZE, 10, 10, started=False) == []
    assert watching.ended(11, sub(OPTIMIZE)) == [(OPTIMIZE, 5, 11)]


# Starting what is thought to run: it cannot, or it could not be started


@pytest.mark.parametrize("watch", [polled, live])
@pytest.mark.parametrize("cover", [(), (parent(),)])
def test_started_again_before_the_first_run_showed(
    cover: tuple[Activity, ...], watch: Callable[[], Watching]
) -> None:
    watching = watch()
    watching.start(BACKUP, 10, 10)
    watching.read(10.1, *cover)
    assert watching.start(BACKUP, 10.5, 10.6) == [
        (BACKUP, 10, 10.5),
        (BACKUP, 10.5, None),
    ]
    assert watching.read(10.7, *cover) == []
    assert watching.read(20) == [(BACKUP, 10.5, 20)]


def test_started_again_is_covered_by_the_same_row() -> None:
    watching = live()
    watching.start(BACKUP, 10, 10)
    watching.started(10.1, parent())
    watching.start(BACKUP, 12, 12.1)
    assert watching.ended(20, parent()) == [(BACKUP, 12, 20)]


def test_already_running_says_it_was_started_once() -> None:
    watching = polled()
    watching.start(BACKUP, 10, 10)
    assert watching.start(BACKUP, 12, 12, started=False) == []
    assert watching.read(20) == [(BACKUP, 10, 20)]


def test_started_twice_at_once() -> None:
    watching = polled()
    watching.start(BACKUP, 10, 10.2)
    assert watching.start(BACKUP, 10, 10.3) == []
    assert watching.read(20) == [(BACKUP, 10, 20)]


@pytest.mark.parametrize("shown", [(parent(), sub(BACKUP)), (parent(subtitle=BACKUP),)])
def test_started_again_after_a_poll_showed_it(shown: tuple[Activity, ...]) -> None:
    watching = polled()
    watching.read(5, *shown)
    assert watching.start(BACKUP, 9, 9.1) == [(BACKUP, 5, 9), (BACKUP, 9, None)]
    # This poll was under way before the server had the request.
    assert watching.read(8.9, now=9.2) == []
    assert watching.read(20) == [(BACKUP, 9, 20)]


def test_started_again_leaves_the_others_alone() -> None:
    watching = polled()
    watching.read(5, parent(), sub(BACKUP), sub(OPTIMIZE))
    watching.start(BACKUP, 9, 9.1)
    assert watching.start(CREDITS, 9, 9.2) == [(CREDITS, 9, None)]
    assert watching.running == [BACKUP, CREDITS, OPTIMIZE]
    assert watching.read(10, parent(), sub(OPTIMIZE)) == [
        (BACKUP, 9, 10),
        (CREDITS, 9, 10),
    ]


def test_started_again_is_not_the_end_of_another_request() -> None:
    watching = polled()
    watching.read(5, parent(), sub(BACKUP))
    watching.start(BACKUP, 9, 9.1)
    assert watching.start(OPTIMIZE, 9, 9.2) == [(OPTIMIZE, 9, None)]
    assert watching.running == [BACKUP, OPTIMIZE]


def test_started_again_after_a_long_outage() -> None:
    watching = polled()
    watching.read(5, parent(), sub(BACKUP))
    assert watching.start(BACKUP, 500, 501) == [
        (BACKUP, None, 500),
        (BACKUP, 500, None),
    ]


def test_started_again_with_the_end_still_to_be_heard() -> None:
    watching = live()
    watching.started(5, sub(BACKUP, "first"))
    assert watching.start(BACKUP, 9, 9.1) == []
    assert watching.ended(9.2, sub(BACKUP, "first")) == [(BACKUP, 5, 9.2)]
    assert watching.started(9.3, sub(BACKUP, "second")) == [(BACKUP, 9.3, None)]


def test_started_again_after_it_was_already_running() -> None:
    watching = polled()
    watching.start(BACKUP, 10, 10, started=False)
    assert watching.start(BACKUP, 11, 11) == []
    assert watching.read(20) == [(BACKUP, None, 20)]


# Tasks stopped by this client


def _assumed(*activities: Activity) -> Watching:
    watching = polled()
    watching.start(OPTIMIZE, 10, 10)
    watching.read(10.1, *activities)
    assert watching.running == [OPTIMIZE]
    return watching


def test_stopped_task_goes_on_until_a_settled_read() -> None:
    watching = _assumed()
    assert watching.stop(OPTIMIZE, 11) == []
    assert watching.read(11.7) == []
    assert watching.running == [OPTIMIZE]
    assert watching.read(11.8) == [(OPTIMIZE, 10, 11.8)]


def test_stopped_task_is_no_longer_covered_by_a_run_that_names_none() -> None:
    watching = _assumed(parent())
    assert watching.read(20, parent()) == []
    watching.stop(OPTIMIZE, 21)
    assert watching.read(21.5, parent()) == []
    assert watching.read(22, parent()) == [(OPTIMIZE, 10, 22)]
    assert (watching.active, watching.running) == (True, [])


def test_stopped_and_started_again_is_covered_again() -> None:
    watching = _assumed(parent())
    watching.stop(OPTIMIZE, 11)
    watching.read(12, parent())
    assert watching.start(OPTIMIZE, 13, 13) == [(OPTIMIZE, 13, None)]
    assert watching.read(20, parent()) == []
    assert watching.read(21) == [(OPTIMIZE, 13, 21)]


def test_stopped_and_started_again_at_once_is_covered_again() -> None:
    watching = _assumed(parent())
    watching.stop(OPTIMIZE, 11)
    assert watching.start(OPTIMIZE, 11.2, 11.3) == [
        (OPTIMIZE, 10, 11.2),
        (OPTIMIZE, 11.2, None),
    ]
    assert watching.read(20, parent()) == []


def test_stopped_and_seen_counts_as_new_when_assumed_again() -> None:
    watching = _assumed(parent())
    watching.stop(OPTIMIZE, 11)
    watching.read(12, parent(), sub(OPTIMIZE))
    watching.read(13)
    watching.start(OPTIMIZE, 14, 14)
    assert watching.read(20, parent()) == []


def test_task_that_did_not_run_when_stopped_is_over_since_nobody_knows_when() -> None:
    watching = _assumed(parent())
    assert watching.stop(OPTIMIZE, 20, was_running=False) == [(OPTIMIZE, None, 20)]
    assert (watching.active, watching.running) == (True, [])


@pytest.mark.parametrize("was_running", [True, False])
def test_stop_does_not_end_what_is_seen_to_run(*, was_running: bool) -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    assert watching.stop(OPTIMIZE, 10, was_running=was_running) == []
    assert watching.running == [OPTIMIZE]
    assert watching.ended(12, sub(OPTIMIZE)) == [(OPTIMIZE, 5, 12)]


def test_stop_of_what_does_not_run() -> None:
    watching = polled()
    assert watching.stop(OPTIMIZE, 1, was_running=False) == []
    assert watching.running == []


def test_stop_all() -> None:
    watching = _assumed(parent())
    watching.start(BACKUP, 11, 11)
    watching.watch.confirm_stop_all(at(11))
    assert watching.read(11.5, parent()) == []
    assert watching.running == [BACKUP, OPTIMIZE]
    assert watching.read(11.8, parent()) == [(OPTIMIZE, 10, 11.8), (BACKUP, 11, 11.8)]
    assert (watching.active, watching.running) == (True, [])


def test_task_counts_as_stopping_from_the_request_until_it_has_ended() -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    with watching.watch.stopping([OPTIMIZE, BACKUP]):
        assert (watching.stopping, watching.running) == ([OPTIMIZE], [OPTIMIZE])
    watching.watch.confirm_stop(OPTIMIZE, at(6), was_running=True)
    watching.started(7, sub(BACKUP))
    assert watching.stopping == [OPTIMIZE]
    runs = watching.hear(ActivityChange.ENDED, 8, sub(OPTIMIZE))
    runs += watching.hear(ActivityChange.ENDED, 9, sub(BACKUP))
    assert [(run.name, run.stopped) for run in runs] == [
        (OPTIMIZE, True),
        (BACKUP, False),
    ]
    assert watching.stopping == []


def test_run_that_ends_before_the_answer_was_stopped() -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    with watching.watch.stopping([OPTIMIZE]):
        [run] = watching.hear(ActivityChange.ENDED, 6, sub(OPTIMIZE))
    assert run.stopped
    assert watching.watch.confirm_stop(OPTIMIZE, at(7), was_running=True) == []


def test_request_that_fails_stops_nothing_more_than_before() -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    watching.stop(OPTIMIZE, 5)
    watching.started(6, sub(BACKUP))
    with suppress(OSError), watching.watch.stopping([OPTIMIZE, BACKUP]):
        assert watching.stopping == [BACKUP, OPTIMIZE]
        raise OSError
    assert watching.stopping == [OPTIMIZE]


def test_task_that_did_not_run_when_stopped_is_not_stopping() -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    watching.stop(OPTIMIZE, 6, was_running=False)
    assert watching.stopping == []


@pytest.mark.parametrize("watch", [polled, live])
@pytest.mark.parametrize("started", [True, False])
def test_task_that_is_started_again_is_not_stopping(
    watch: Callable[[], Watching], *, started: bool
) -> None:
    watching = watch()
    watching.read(5, sub(OPTIMIZE))
    watching.stop(OPTIMIZE, 6)
    assert watching.stopping == [OPTIMIZE]
    watching.start(OPTIMIZE, 7, 7, started=started)
    assert (watching.stopping, watching.running) == ([], [OPTIMIZE])


# Runs that were requested


def test_run_that_was_started_here_was_requested() -> None:
    watching = live()
    runs = watching.watch.confirm_start(OPTIMIZE, at(10), at(10), started=True)
    runs += watching.hear(ActivityChange.STARTED, 11, sub(OPTIMIZE))
    runs += watching.hear(ActivityChange.ENDED, 12, sub(OPTIMIZE))
    assert [(run.finished, run.requested) for run in runs] == [
        (None, True),
        (at(12), True),
    ]


def test_run_that_begins_before_the_answer_was_requested() -> None:
    watching = live()
    with watching.watch.starting(OPTIMIZE):
        [requested] = watching.hear(ActivityChange.STARTED, 10, sub(OPTIMIZE))
        [another] = watching.hear(ActivityChange.STARTED, 10, sub(BACKUP))
    assert (requested.requested, another.requested) == (True, False)


def test_run_after_a_request_that_failed_was_not_requested() -> None:
    watching = live()
    with suppress(OSError), watching.watch.starting(OPTIMIZE):
        raise OSError
    [run] = watching.hear(ActivityChange.STARTED, 10, sub(OPTIMIZE))
    assert not run.requested


def test_run_that_was_already_running_was_not_requested() -> None:
    watching = live()
    watching.start(OPTIMIZE, 10, 10, started=False)
    [run] = watching.watch.read(TASKS, [], at(20), at(20))
    assert not run.requested


# Frames


def test_frame_is_looked_at_once() -> None:
    watching = live()
    started, ended = ActivityChange.STARTED, ActivityChange.ENDED
    assert watching.frame(
        1, (started, parent()), (started, sub(BACKUP)), (started, sub(OPTIMIZE))
    ) == [(BACKUP, 1, None), (OPTIMIZE, 1, None)]
    assert watching.frame(
        2, (ended, sub(BACKUP)), (started, sub(CREDITS)), (ended, sub(CREDITS))
    ) == [(BACKUP, 1, 2)]
    assert watching.frame(3) == []


def test_frame_that_is_not_about_the_butler_changes_nothing() -> None:
    watching = live()
    watching.started(1, parent(progress=50))
    before = watching.watch.maintenance
    assert watching.started(1.5, work("library.refresh.items")) == []
    assert watching.watch.maintenance is before


# A row at 100 %: between two tasks, or done

FULL = parent(progress=100)
X, Y = parent(subtitle=OPTIMIZE, progress=83), parent(subtitle=BACKUP, progress=86)


def paused(activity: Activity = X) -> Watching:
    """Return a watch of a live server with a row at work from 10 to 20, then full."""
    watching = live()
    watching.started(10, activity)
    assert watching.updated(20, parent(activity.uuid, progress=100)) == []
    assert watching.active
    assert watching.due == 25
    return watching


def test_work_ended_when_the_row_was_full() -> None:
    watching = paused()
    assert watching.look(24.9) == []
    assert (watching.running, watching.watch.maintenance.progress) == ([OPTIMIZE], 100)
    runs = watching.watch.look(at(25))
    assert told(runs) == [(OPTIMIZE, 10, 20)]
    assert runs[0].observed
    assert watching.last == [(OPTIMIZE, 10, 20)]
    assert watching.watch.maintenance == Maintenance(active=False, running=frozenset())
    assert watching.due is None


def test_work_ended_when_the_row_was_full_though_the_row_ends_later() -> None:
    assert paused().ended(22, FULL) == [(OPTIMIZE, 10, 20)]
    assert paused().read(23) == [(OPTIMIZE, 10, 20)]
    # Even if the end itself was missed.
    watching = paused()
    watching.stream(21, up=False)
    assert watching.read(1000) == [(OPTIMIZE, 10, 20)]


def test_task_at_work_after_an_outage_is_not_the_paused_run() -> None:
    watching = paused()
    watching.stream(21, up=False)
    assert watching.read(1000, X) == [(OPTIMIZE, 10, 20)]
    assert watching.running == [OPTIMIZE]
    assert watching.read(1010) == [(OPTIMIZE, None, 1010)]


def test_without_a_stream_it_takes_two_reads() -> None:
    watching = polled()
    watching.read(10, X)
    assert watching.read(20, FULL) == []
    assert (watching.running, watching.due) == ([OPTIMIZE], None)
    assert watching.look(29) == []
    assert watching.read(30, FULL) == [(OPTIMIZE, 10, 20)]


def test_row_that_is_full_at_first_tells_nothing() -> None:
    full = parent(subtitle=OPTIMIZE, progress=100)
    for watching in (live(), polled()):
        assert watching.read(1, full, replace(sub(BACKUP), progress=100)) == []
        assert watching.updated(2, full) == []
        assert watching.watch.maintenance == Maintenance(
            active=False, running=frozenset()
        )


def test_row_that_is_full_after_an_outage_tells_no_more_than_an_end() -> None:
    watching = polled()
    watching.read(10, X)
    full = parent(subtitle=BACKUP, progress=100)
    assert watching.read(1000, full) == [(OPTIMIZE, None, 1000)]
    assert not watching.active


def test_next_task_begins_while_the_row_is_paused() -> None:
    watching = paused()
    assert watching.updated(21, parent(subtitle=BACKUP, progress=100)) == []
    assert watching.running == [OPTIMIZE]
    assert watching.updated(22, Y) == [(BACKUP, 22, None), (OPTIMIZE, 10, 20)]


def test_same_task_goes_on_if_the_row_was_full_for_a_moment() -> None:
    watching = paused()
    assert watching.updated(24, X) == []
    assert watching.due is None
    watching.updated(40, FULL)
    assert watching.look(45) == [(OPTIMIZE, 10, 40)]


@pytest.mark.parametrize("read", [True, False])
def test_same_task_starts_anew_if_nobody_looked_in_time(*, read: bool) -> None:
    watching = paused()
    runs = watching.read(27, X) if read else watching.updated(27, X)
    assert runs == [(OPTIMIZE, 10, 20), (OPTIMIZE, 27, None)]


def test_activity_of_its_own_may_be_full_as_well() -> None:
    watching = live()
    watching.started(10, parent(progress=83))
    watching.started(10, sub(OPTIMIZE))
    assert watching.updated(20, replace(sub(OPTIMIZE), progress=100)) == []
    # The parent names nothing, but that does not mean that the task is still at work.
    assert watching.updated(21, parent(progress=84)) == []
    assert watching.look(25) == [(OPTIMIZE, 10, 20)]
    assert watching.active


def test_hint_counts_until_the_row_is_done() -> None:
    watching = live()
    watching.started(10, parent(progress=50))
    watching.started(11, work("media.generate.credits"))
    assert watching.updated(20, FULL) == []
    assert watching.running == [CREDITS]
    assert watching.look(25) == [(CREDITS, 11, 20)]


def test_work_that_begins_while_the_row_is_paused_is_no_hint() -> None:
    watching = paused(parent(progress=50))
    assert watching.started(21, work("media.generate.credits")) == []
    assert watching.running == []


def test_progress_is_the_parents() -> None:
    watching = live()
    watching.started(10, parent(progress=83))
    watching.started(10, replace(sub(OPTIMIZE), progress=7))
    assert watching.watch.maintenance.progress == 83
    watching.updated(11, parent())
    assert watching.watch.maintenance.progress is None


# The same for tasks that were started from here, and not named


def started_from_here() -> Watching:
    watching = live()
    watching.start(OPTIMIZE, 10, 10.1)
    watching.started(10.2, parent(progress=50))
    watching.updated(20, FULL)
    assert (watching.running, watching.due) == ([OPTIMIZE], 25)
    return watching


def test_task_started_from_here_ended_when_the_row_was_full() -> None:
    watching = started_from_here()
    assert watching.read(21, FULL) == []
    runs = watching.watch.look(at(25))
    assert told(runs) == [(OPTIMIZE, 10, 20)]
    assert runs[0].observed


@pytest.mark.parametrize("activity", [Y, parent(progress=67)])
def test_task_started_from_here_had_ended_if_the_row_is_at_work_again(
    activity: Activity,
) -> None:
    watching = started_from_here()
    assert (OPTIMIZE, 10, 20) in watching.updated(22, activity)
    assert OPTIMIZE not in watching.running


def test_task_started_from_here_had_ended_if_the_stream_was_away() -> None:
    watching = started_from_here()
    watching.stream(21, up=False)
    watching.stream(1000)
    # Anything that may be the Butler's will do, though not at work for it.
    hint = work("media.generate.credits")
    assert watching.updated(1001, hint) == [(OPTIMIZE, 10, 20)]
    assert watching.running == []


def test_task_started_while_the_row_was_paused_is_not_what_it_shows() -> None:
    watching = paused(parent(progress=50))
    watching.start(OPTIMIZE, 21, 21.1)
    assert watching.read(21.5, FULL) == []
    runs = watching.watch.read(TASKS, [FULL], at(22), at(22))
    assert told(runs) == [(OPTIMIZE, 21, 22)]
    assert not runs[0].observed


def test_task_started_while_the_row_was_paused_is_what_it_shows_next() -> None:
    watching = paused(parent(progress=50))
    watching.start(OPTIMIZE, 21, 21.1)
    assert watching.updated(21.2, parent(progress=67)) == []
    watching.updated(24, FULL)
    assert watching.look(29) == [(OPTIMIZE, 21, 24)]


def test_row_was_at_work_and_full_before_the_answer() -> None:
    watching = live()
    watching.started(10.05, parent(progress=0))
    watching.updated(10.15, FULL)
    assert watching.start(OPTIMIZE, 10, 10.2) == [(OPTIMIZE, 10, None)]
    assert watching.running == [OPTIMIZE]
    runs = watching.watch.look(at(15.15))
    assert told(runs) == [(OPTIMIZE, 10, 10.15)]
    assert runs[0].observed


def test_started_again_while_paused() -> None:
    watching = paused()
    assert watching.start(OPTIMIZE, 21, 21.1) == [
        (OPTIMIZE, 10, 20),
        (OPTIMIZE, 21, None),
    ]
    assert watching.read(22, FULL) == [(OPTIMIZE, 21, 22)]
    watching = started_from_here()
    assert watching.start(OPTIMIZE, 21, 21.1) == [
        (OPTIMIZE, 10, 20),
        (OPTIMIZE, 21, None),
    ]


def test_answer_that_comes_while_its_own_run_is_paused() -> None:
    watching = live()
    watching.started(10.05, X)
    watching.updated(10.15, FULL)
    assert watching.start(OPTIMIZE, 10, 10.2) == []
    assert watching.look(15.15) == [(OPTIMIZE, 10.05, 10.15)]


def test_paused_task_that_could_not_be_stopped_had_ended() -> None:
    watching = started_from_here()
    assert watching.stop(OPTIMIZE, 22, was_running=False) == [(OPTIMIZE, 10, 20)]


def test_paused_task_that_was_stopped_had_ended() -> None:
    watching = started_from_here()
    watching.stop(OPTIMIZE, 21)
    [run] = watching.watch.read(TASKS, [FULL], at(22), at(22))
    assert (run.finished, run.stopped) == (at(20), True)


# Work on a task that is not known


def test_task_is_unnamed_after_a_second() -> None:
    watching = live()
    watching.started(10, parent(progress=0))
    assert (watching.active, watching.unnamed, watching.due) == (True, False, 11)
    assert watching.look(10.9) == []
    assert not watching.unnamed
    assert watching.look(11) == []
    assert (watching.unnamed, watching.due) == (True, None)
    # It stays so while the row is paused, and with the next task.
    watching.updated(12, FULL)
    assert watching.unnamed
    watching.updated(13, parent(progress=50))
    assert watching.unnamed
    watching.updated(14, X)
    assert not watching.unnamed
    watching.updated(15, parent(progress=50))
    assert (watching.unnamed, watching.due) == (False, 16)
    watching.look(16)
    assert watching.unnamed
    watching.ended(17, FULL)
    assert (watching.unnamed, watching.due) == (False, None)


def test_task_that_is_named_or_started_in_time_is_never_unnamed() -> None:
    watching = live()
    watching.started(10, parent(progress=0))
    watching.started(10.9, sub(OPTIMIZE))
    assert watching.due is None
    watching.ended(20, sub(OPTIMIZE))
    watching.start(BACKUP, 20, 20.9)
    assert (watching.unnamed, watching.due) == (False, None)


def test_nothing_is_unnamed_while_the_row_is_paused() -> None:
    watching = paused(parent(progress=0, subtitle=OPTIMIZE))
    watching.updated(20, parent(progress=50))
    watching.updated(20.5, FULL)
    assert watching.due == 25.5
    watching.look(25.5)
    assert not watching.unnamed


def test_task_is_unnamed_without_a_stream_when_a_second_read_shows_it() -> None:
    watching = polled()
    watching.read(10, parent(progress=0))
    assert (watching.unnamed, watching.due) == (False, None)
    watching.read(10.9, parent(progress=0))
    assert (watching.unnamed, watching.due) == (False, None)
    watching.read(15, parent(progress=0))
    assert watching.unnamed


def test_task_is_unnamed_at_once_where_it_may_be_at_work_for_long() -> None:
    watching = Watching()
    watching.read(0, parent())
    assert (watching.unnamed, watching.due) == (True, None)
