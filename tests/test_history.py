"""The history of runs: what is recorded, kept over restarts, bounded and saved."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.history import (
    RecordedRun,
    RunHistory,
    RunOutcome,
    RunSource,
)
from custom_components.plex_butler.plex import Run
from custom_components.plex_butler.runs import RunFeed
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .common import settle
from .simulator import PlexSimulator

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
# Before the fixture hass_storage replaces it.
LOAD = Store._async_load  # noqa: SLF001 -- nothing public reads a real file in tests


class Watched:
    """A history that records the runs of a feed, and what it reported of them."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.entry = entry
        self.feed = RunFeed()
        self.history = RunHistory(hass, entry)
        self.reported: list[RecordedRun] = []
        self.history.subscribe(self.reported.append)

    @property
    def key(self) -> str:
        return f"{DOMAIN}.history.{self.entry.entry_id}"

    async def load(self, *running: str) -> None:
        await self.history.async_load(self.feed, running)

    def run(self, name: str = BACKUP, **run: Any) -> None:
        """Let a task begin or end, `started` and `finished` seconds from now."""
        now = dt_util.utcnow()
        for moment in ("started", "finished"):
            seconds = run.get(moment)
            run[moment] = None if seconds is None else now + timedelta(seconds=seconds)
        self.feed.notify([Run(name=name, **run)])

    @property
    def runs(self) -> list[RecordedRun]:
        now = dt_util.utcnow()
        day = timedelta(days=1000)
        return self.history.between(now - day, now + day)

    async def unload(self) -> None:
        await self.entry._async_process_on_unload(self.hass)  # noqa: SLF001 -- as Home Assistant does

    async def restart(self, *running: str) -> Watched:
        """Return the history as it is after a restart, with these tasks running."""
        await self.unload()
        again = Watched(self.hass, self.entry)
        await again.load(*running)
        return again


@pytest.fixture
async def watched(hass: HomeAssistant) -> Watched:
    entry = MockConfigEntry(domain=DOMAIN, title="Media Server")
    entry.add_to_hass(hass)
    watched = Watched(hass, entry)
    await watched.load()
    return watched


def at(seconds: float) -> Any:
    return dt_util.utcnow() + timedelta(seconds=seconds)


async def test_run_from_begin_to_end(watched: Watched) -> None:
    watched.run(started=-42)
    (running,) = watched.runs
    assert running == RecordedRun(name=BACKUP, started=at(-42))
    assert watched.history.running() == [running]
    assert watched.history.last(BACKUP) is None

    watched.run(started=-42, finished=0, observed=True)
    (ended,) = watched.runs
    assert ended == RecordedRun(
        name=BACKUP,
        started=at(-42),
        finished=at(0),
        duration=42,
        result=RunOutcome.FINISHED,
        observed=True,
        source=RunSource.SERVER,
    )
    assert watched.history.running() == []
    assert watched.history.last(BACKUP) == ended
    assert watched.history.last(OPTIMIZE) is None
    assert watched.reported == [running, ended]


async def test_run_that_was_stopped(watched: Watched) -> None:
    watched.run(started=-42)
    watched.run(started=-42, finished=0, stopped=True)
    (run,) = watched.runs
    assert (run.result, run.duration) == (RunOutcome.STOPPED, 42)


async def test_run_whose_start_was_not_seen(watched: Watched) -> None:
    watched.run(finished=0)
    (run,) = watched.runs
    assert (run.result, run.started, run.duration) == (RunOutcome.FINISHED, None, None)
    assert run.first_seen == at(0)


@pytest.mark.parametrize(
    ("stopped", "result"), [(False, RunOutcome.UNKNOWN), (True, RunOutcome.STOPPED)]
)
async def test_end_after_an_outage(
    watched: Watched, *, stopped: bool, result: RunOutcome
) -> None:
    """The watch does not know whether it is the same run: it may have run twice."""
    watched.run(started=-600)
    watched.run(finished=0, stopped=stopped)
    (run,) = watched.runs
    assert (run.started, run.finished) == (at(-600), at(0))
    assert (run.result, run.duration) == (result, None)


async def test_end_of_another_run_than_the_known_one(watched: Watched) -> None:
    watched.run(started=-600)
    watched.run(started=-60, finished=0)
    second, first = watched.runs
    assert (first.started, first.finished) == (at(-600), at(-60))
    assert (first.result, first.duration) == (RunOutcome.UNKNOWN, None)
    assert (second.started, second.duration) == (at(-60), 60)
    assert watched.reported[1:] == [first, second]


async def test_begin_of_a_second_run_whose_first_end_was_missed(
    watched: Watched,
) -> None:
    watched.run(started=-600)
    watched.run(started=-60)
    second, first = watched.runs
    assert (first.finished, first.result) == (at(-60), RunOutcome.UNKNOWN)
    assert (second.started, second.result) == (at(-60), None)


@pytest.mark.parametrize("begin", [True, False])
async def test_run_that_was_requested_from_here(
    watched: Watched, *, begin: bool
) -> None:
    """A request may be confirmed only after the server showed the begin of the run."""
    watched.run(started=-42, requested=begin)
    watched.run(started=-42, finished=0, requested=not begin)
    (run,) = watched.runs
    assert run.source is RunSource.HOME_ASSISTANT


async def test_runs_of_a_time(watched: Watched) -> None:
    """Those count that began before or ended after it, too."""
    watched.run(OPTIMIZE, started=-500, finished=-400)
    watched.run(started=-300, finished=-200)
    watched.run(OPTIMIZE, started=-150)

    def named(since: float, until: float) -> list[str]:
        return [run.name for run in watched.history.between(at(since), at(until))]

    assert named(-1000, 0) == [OPTIMIZE, BACKUP, OPTIMIZE]
    assert named(-250, -160) == [BACKUP]
    assert named(-400, -300) == [OPTIMIZE]
    assert named(-190, -160) == []
    assert named(-100, 100) == [OPTIMIZE]


async def test_history_after_a_restart(watched: Watched) -> None:
    watched.run(started=-100, finished=-50, observed=True, requested=True)
    watched.run(OPTIMIZE, finished=-40, stopped=True)
    watched.run(started=-30)
    before = watched.runs

    again = await watched.restart(BACKUP)
    assert again.runs == before
    assert again.history.last(OPTIMIZE) == before[1]
    assert again.history.last(BACKUP) == before[2]
    assert again.reported == []


async def test_end_seen_after_a_restart(watched: Watched) -> None:
    watched.run(started=-30)
    again = await watched.restart(BACKUP)
    again.run(finished=0)
    (run,) = again.runs
    assert (run.started, run.finished) == (at(-30), at(0))
    assert run.result is RunOutcome.UNKNOWN


async def test_end_missed_by_a_restart(watched: Watched) -> None:
    watched.run(started=-30)
    again = await watched.restart()
    (run,) = again.runs
    assert (run.started, run.finished) == (at(-30), at(0))
    assert run.result is RunOutcome.UNKNOWN
    assert again.history.running() == []
    third = await again.restart(BACKUP)
    assert third.runs == [run]


async def test_nothing_is_recorded_after_unloading(watched: Watched) -> None:
    await watched.unload()
    watched.run(started=-1, finished=0)
    assert watched.runs == []


async def test_runs_that_are_too_old_go(
    watched: Watched, freezer: FrozenDateTimeFactory
) -> None:
    watched.run(started=-10, finished=0)
    freezer.tick(timedelta(days=45))
    watched.run(OPTIMIZE, started=-10, finished=0)
    assert [run.name for run in watched.runs] == [OPTIMIZE, BACKUP]

    freezer.tick(timedelta(days=45, seconds=1))
    again = await watched.restart()
    assert [run.name for run in again.runs] == [OPTIMIZE]
    assert again.history.last(BACKUP) is None
    assert again.history.last(OPTIMIZE) is not None

    freezer.tick(timedelta(days=45))
    again.run(started=-10, finished=0)
    assert [run.name for run in again.runs] == [BACKUP]
    assert again.history.last(OPTIMIZE) is None


async def test_runs_that_are_too_many_go(watched: Watched) -> None:
    watched.run(OPTIMIZE, started=-5000, finished=-4999)
    for second in range(-2010, 0):
        watched.run(started=second, finished=second + 1)
    assert len(watched.runs) == 2000
    assert {run.name for run in watched.runs} == {BACKUP}
    assert watched.runs[0] == watched.history.last(BACKUP)
    assert watched.history.last(OPTIMIZE) is None


# Saving


def saved(hass_storage: dict[str, Any], watched: Watched) -> int:
    """Return how many runs are in the file; 0 if there is none."""
    return len(hass_storage.get(watched.key, {"data": {"runs": []}})["data"]["runs"])


async def test_saved_every_30_seconds_however_often_it_changes(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    watched: Watched,
) -> None:
    files = []
    for _ in range(8):
        watched.run(started=-1, finished=0)
        freezer.tick(10)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        files.append(saved(hass_storage, watched))
    assert files == [0, 0, 3, 3, 3, 6, 6, 6]


async def test_saved_when_home_assistant_stops(
    hass: HomeAssistant, hass_storage: dict[str, Any], watched: Watched
) -> None:
    watched.run(started=-1, finished=0)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert saved(hass_storage, watched) == 1


async def test_saved_when_the_entry_is_unloaded(
    hass_storage: dict[str, Any], watched: Watched
) -> None:
    watched.run(started=-1, finished=0)
    await watched.unload()
    assert saved(hass_storage, watched) == 1
    del hass_storage[watched.key]

    again = Watched(watched.hass, watched.entry)
    await again.load()
    await again.unload()
    assert watched.key not in hass_storage  # There was nothing to save.


async def test_runs_whose_report_is_delayed_are_saved(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """A server pushes so much that reports wait, when the entry is unloaded."""
    for _ in range(10):
        for event in ("started", "ended"):
            row = {"event": event, "Activity": {"uuid": "1", "title": "BackupDatabase"}}
            plex.notify("activity", "ActivityNotification", [row])
            await settle(hass)
    reported = len(live.runtime_data.history.between(at(-60), at(60)))
    assert reported < 10
    await hass.config_entries.async_reload(live.entry_id)
    assert len(live.runtime_data.history.between(at(-60), at(60))) == 10


async def test_saved_form(hass_storage: dict[str, Any], watched: Watched) -> None:
    watched.run(started=-42, finished=0, observed=True)
    watched.run(OPTIMIZE, started=0)
    await watched.unload()
    assert hass_storage[watched.key]["version"] == 1
    assert hass_storage[watched.key]["data"]["runs"] == [
        {
            "name": BACKUP,
            "started": at(-42).isoformat(),
            "finished": at(0).isoformat(),
            "duration": 42.0,
            "result": "finished",
            "observed": True,
            "source": "server",
        },
        {
            "name": OPTIMIZE,
            "started": at(0).isoformat(),
            "finished": None,
            "duration": None,
            "result": None,
            "observed": False,
            "source": "server",
        },
    ]


async def test_removed_with_the_entry(
    hass: HomeAssistant, hass_storage: dict[str, Any], loaded: MockConfigEntry
) -> None:
    moment = dt_util.utcnow()
    loaded.runtime_data.butler.runs.notify(
        [Run(name=BACKUP, started=moment, finished=moment)]
    )
    await hass.config_entries.async_unload(loaded.entry_id)
    key = f"{DOMAIN}.history.{loaded.entry_id}"
    assert len(hass_storage[key]["data"]["runs"]) == 1
    await hass.config_entries.async_remove(loaded.entry_id)
    assert key not in hass_storage


# Files that cannot be read

GOOD = {
    "name": BACKUP,
    "started": "2026-11-01T03:00:00+00:00",
    "finished": "2026-11-01T03:00:42+00:00",
    "duration": 42,
    "result": "finished",
    "observed": True,
    "source": "server",
}


@pytest.mark.parametrize(
    "garbage",
    [
        None,
        "garbage",
        [],
        {},
        GOOD | {"name": 5},
        GOOD | {"started": "yesterday"},
        GOOD | {"started": 1764000000},
        GOOD | {"started": None, "finished": None, "result": None},
        GOOD | {"finished": "9999-12-31T23:59:59-23:00"},
        GOOD | {"finished": None},
        GOOD | {"result": None},
        GOOD | {"result": "won"},
        GOOD | {"duration": "long"},
        GOOD | {"source": "elsewhere"},
    ],
)
async def test_garbage_in_the_file_is_left_out(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    watched: Watched,
    caplog: pytest.LogCaptureFixture,
    garbage: Any,
) -> None:
    freezer.move_to("2026-11-02T12:00:00+00:00")
    hass_storage[watched.key] = {"version": 1, "data": {"runs": [garbage, GOOD]}}
    again = Watched(hass, watched.entry)
    await again.load()
    (run,) = again.runs
    assert run.as_dict() == GOOD
    assert "1 runs in the history of Media Server cannot be read" in caplog.text


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 1, "data": [1, 2]},
        {"version": 1, "data": {"rows": []}},
        {"version": 1, "data": {"runs": 5}},
        {"version": 2, "data": {"runs": []}},
        {"version": "x", "data": {"runs": []}},
        {},
    ],
)
async def test_file_of_another_shape(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    watched: Watched,
    caplog: pytest.LogCaptureFixture,
    stored: Any,
) -> None:
    hass_storage[watched.key] = stored
    again = Watched(hass, watched.entry)
    await again.load()
    assert again.runs == []
    assert "The history of Media Server cannot be read" in caplog.text

    again.run(started=-1, finished=0)
    await again.unload()
    assert saved(hass_storage, watched) == 1


async def test_file_that_is_not_json(
    hass: HomeAssistant,
    watched: Watched,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Home Assistant itself says so, and keeps the broken file under another name."""
    monkeypatch.setattr(hass.config, "config_dir", str(tmp_path))
    file = tmp_path / ".storage" / watched.key
    file.parent.mkdir()
    file.write_text(json.dumps({"version": 1, "data": {"runs": [GOOD]}})[:-10])

    again = Watched(hass, watched.entry)
    with patch.object(Store, "_async_load", LOAD):
        await again.load()
    assert again.runs == []
    assert f"Unrecoverable error decoding storage {watched.key}" in caplog.text
