"""Tasks that were started from here, whatever the server shows of it."""

from collections.abc import Callable

import pytest

from custom_components.plex_butler.plex import Activity

from .test_watch import (
    BACKUP,
    CREDITS,
    OPTIMIZE,
    Watching,
    at,
    live,
    parent,
    polled,
    sub,
    work,
)


def test_runs_from_its_request_until_a_settled_read_shows_nothing() -> None:
    watching = polled()
    assert watching.start(BACKUP, 10, 10.2) == [(BACKUP, 10, None)]
    assert (watching.active, watching.running) == (True, [BACKUP])
    assert watching.watch.last_started[BACKUP].second == 10
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
    runs = watching.watch.confirm(BACKUP, at(10), at(10.2), started=True)
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
    assert watching.watch.last_started == {}
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
