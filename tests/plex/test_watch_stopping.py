"""Tasks that were asked to stop from here: they may go on for a while."""

import pytest

from custom_components.plex_butler.plex import Activity

from .test_watch import BACKUP, OPTIMIZE, Watching, at, live, parent, polled, sub


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
    watching.watch.stop_all(at(11))
    assert watching.read(11.5, parent()) == []
    assert watching.running == [BACKUP, OPTIMIZE]
    assert watching.read(11.8, parent()) == [(OPTIMIZE, 10, 11.8), (BACKUP, 11, 11.8)]
    assert (watching.active, watching.running) == (True, [])


def test_stop_all_with_nothing_assumed() -> None:
    watching = live()
    watching.started(5, sub(OPTIMIZE))
    watching.watch.stop_all(at(6))
    assert watching.read(100, sub(OPTIMIZE)) == []
    assert watching.running == [OPTIMIZE]
