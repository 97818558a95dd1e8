"""The calendars of maintenance windows and of runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed_exact,
    async_mock_service,
)

from custom_components.plex_butler.plex import Run
from homeassistant.const import STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import PREFS, Tick, move_window, settle, states
from .simulator import Fault, PlexSimulator

WINDOWS = "calendar.media_server_maintenance_windows"
RUNS = "calendar.media_server_task_runs"
AMSTERDAM = "Europe/Amsterdam"

pytestmark = pytest.mark.freeze_time("2026-11-23 12:00:00+00:00")


async def events(
    hass: HomeAssistant, calendar: str, start: str, end: str
) -> list[dict[str, Any]]:
    """Return the events in a period, which are given without its year."""
    response = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": calendar,
            "start_date_time": f"2026-{start}",
            "end_date_time": f"2026-{end}",
        },
        blocking=True,
        return_response=True,
    )
    return response[calendar]["events"]


async def times(
    hass: HomeAssistant, calendar: str, start: str, end: str
) -> list[tuple[str, str]]:
    """Return when the events in a period begin and end."""
    return [
        (event["start"], event["end"])
        for event in await events(hass, calendar, start, end)
    ]


def attribute(hass: HomeAssistant, calendar: str, name: str) -> Any:
    return hass.states.get(calendar).attributes[name]


# Maintenance windows


@pytest.fixture
async def amsterdam(hass: HomeAssistant) -> None:
    await hass.config.async_set_time_zone(AMSTERDAM)


@pytest.mark.usefixtures("amsterdam", "loaded")
async def test_windows_to_come(hass: HomeAssistant) -> None:
    assert await times(hass, WINDOWS, "11-20 00:00:00", "11-25 12:00:00") == [
        ("2026-11-24T02:00:00+01:00", "2026-11-24T05:00:00+01:00"),
        ("2026-11-25T02:00:00+01:00", "2026-11-25T05:00:00+01:00"),
    ]
    (event,) = await events(hass, WINDOWS, "11-24 04:00:00", "11-24 12:00:00")
    assert event["summary"] == "Maintenance of Media Server"
    assert states(hass, WINDOWS) == ["off"]
    assert attribute(hass, WINDOWS, "start_time") == "2026-11-24 02:00:00"


@pytest.mark.usefixtures("loaded")
async def test_no_more_windows_than_of_a_year(hass: HomeAssistant) -> None:
    response = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": WINDOWS,
            "start_date_time": "2026-11-23 12:00:00",
            "end_date_time": "2126-11-23 12:00:00",
        },
        blocking=True,
        return_response=True,
    )
    assert len(response[WINDOWS]["events"]) == 366


@pytest.mark.usefixtures("loaded")
async def test_state_of_the_window(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    hass_zone = dt_util.get_default_time_zone()
    for hour, state, start in (
        (2, "on", "2026-11-24 02:00:00"),
        (5, "off", "2026-11-25 02:00:00"),
    ):
        moment = datetime(2026, 11, 24, hour, tzinfo=hass_zone)
        freezer.move_to(moment)
        async_fire_time_changed_exact(hass, moment)
        await settle(hass)
        assert states(hass, WINDOWS) == [state]
        assert attribute(hass, WINDOWS, "start_time") == start


@pytest.mark.usefixtures("no_pause", "amsterdam")
async def test_moved_window_is_seen_at_once(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await move_window(hass, loaded, start=23, end=1)
    assert attribute(hass, WINDOWS, "start_time") == "2026-11-23 23:00:00"
    assert await times(hass, WINDOWS, "11-24 00:30:00", "11-24 12:00:00") == [
        ("2026-11-23T23:00:00+01:00", "2026-11-24T01:00:00+01:00")
    ]


async def test_calendar_without_a_window(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.change_settings(ButlerEndHour="2")  # As it starts: what that means is unknown
    await tick(900)
    assert states(hass, WINDOWS) == ["off"]
    assert await events(hass, WINDOWS, "11-23 00:00:00", "11-30 00:00:00") == []

    plex.inject(Fault.FORBIDDEN, "/:/prefs")
    await tick(900)
    assert states(hass, WINDOWS, RUNS) == [STATE_UNAVAILABLE, "off"]


@pytest.mark.usefixtures("loaded")
async def test_trigger_while_the_server_is_away(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """An automation can wake a server for its window."""
    calls = async_mock_service(hass, "test", "wake")
    config = {
        "triggers": {
            "trigger": "calendar.event_started",
            "target": {"entity_id": WINDOWS},
        },
        "actions": {"action": "test.wake"},
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    await plex.stop()
    await tick(22 * 60 * 60 - 30 * 60)
    assert states(hass, WINDOWS) == [STATE_UNAVAILABLE]
    await tick(15 * 60)
    assert calls == []
    await tick(15 * 60)
    assert len(calls) == 1
    # It would wait for the next window.
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"})


@pytest.mark.usefixtures("no_pause")
async def test_trigger_for_the_window_that_was_written_last(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The server goes to sleep as soon as it has taken the new hours."""
    calls = async_mock_service(hass, "test", "wake")
    config = {
        "triggers": {
            "trigger": "calendar.event_started",
            "target": {"entity_id": WINDOWS},
        },
        "actions": {"action": "test.wake"},
    }
    plex.inject(Fault.DROP, PREFS, "GET")
    await move_window(hass, loaded, start=20, end=22)
    await plex.stop()
    assert await async_setup_component(hass, "automation", {"automation": config})
    await tick(16 * 60 * 60 - 30 * 60)
    assert states(hass, WINDOWS) == [STATE_UNAVAILABLE]
    await tick(15 * 60)
    assert calls == []
    await tick(15 * 60)
    assert len(calls) == 1
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"})


async def test_calendar_of_a_server_that_has_no_window(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    del plex.settings["ButlerStartHour"]
    await hass.config_entries.async_setup(entry.entry_id)
    assert hass.states.get(WINDOWS) is None
    assert hass.states.get(RUNS) is not None


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


# Runs


def report(
    entry: MockConfigEntry, started: str | None, finished: str | None = None
) -> None:
    """Let a run begin or end, as the watch would report it."""
    run = Run(
        name="BackupDatabase",
        started=started and utc(started),
        finished=finished and utc(finished),
    )
    entry.runtime_data.butler.runs.notify([run])


@pytest.mark.usefixtures("amsterdam")
async def test_runs(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    # Across midnight, and across the end of summer time
    report(loaded, "10-24 21:30", "10-24 22:30")
    report(loaded, "10-25 00:30", "10-25 01:30")
    assert await events(hass, RUNS, "10-25 00:00:00", "10-25 12:00:00") == [
        {
            "start": "2026-10-24T23:30:00+02:00",
            "end": "2026-10-25T00:30:00+02:00",
            "summary": "Backup Database",
            "description": "Backup Database finished after 1 h",
        },
        {
            "start": "2026-10-25T02:30:00+02:00",
            "end": "2026-10-25T02:30:00+01:00",
            "summary": "Backup Database",
            "description": "Backup Database finished after 1 h",
        },
    ]
    assert await events(hass, RUNS, "10-25 00:31:00", "10-25 02:00:00") == []
    assert states(hass, RUNS) == ["off"]


async def test_run_that_has_not_ended(
    hass: HomeAssistant, loaded: MockConfigEntry, tick: Tick
) -> None:
    """Its event ends now, but the state is not written every moment."""
    report(loaded, "11-23 11:59")
    written = hass.states.get(RUNS)
    assert written.state == "on"
    assert written.attributes["message"] == "Backup Database"
    assert written.attributes["description"] == "Backup Database is running"
    await tick(60)
    (event,) = await events(hass, RUNS, "11-23 00:00:00", "11-24 00:00:00")
    begun, ended = (datetime.fromisoformat(event[key]) for key in ("start", "end"))
    assert (begun, ended) == (utc("11-23 11:59"), utc("11-23 12:01"))
    assert event["description"] == "Backup Database is running"
    assert hass.states.get(RUNS) == written

    report(loaded, "11-23 11:59", "11-23 12:01")
    assert states(hass, RUNS) == ["off"]


async def test_run_over_midnight_stays_on(
    hass: HomeAssistant, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    report(loaded, "11-23 11:59")
    midnight = dt_util.start_of_local_day(dt_util.now() + timedelta(days=1))
    freezer.move_to(midnight)
    async_fire_time_changed_exact(hass, midnight)
    await settle(hass)
    assert states(hass, RUNS) == ["on"]


async def test_run_whose_end_was_missed_takes_no_time(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    report(loaded, "11-20 11:59")
    report(loaded, None, "11-23 11:59")
    (event,) = await events(hass, RUNS, "11-20 00:00:00", "11-24 00:00:00")
    assert event["start"] == event["end"]
    assert datetime.fromisoformat(event["start"]) == utc("11-20 11:59")
    assert "Its end was not seen" in event["description"]


async def test_run_that_seems_to_end_before_it_began(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """The clock of Home Assistant was set back meanwhile."""
    report(loaded, "11-23 11:59", "11-23 11:58")
    (event,) = await events(hass, RUNS, "11-23 00:00:00", "11-24 00:00:00")
    assert event["start"] == event["end"]


@pytest.mark.usefixtures("amsterdam")
@pytest.mark.freeze_time("2026-10-25 01:10:00+00:00")
@pytest.mark.parametrize("finished", ["10-25 01:10", None])
async def test_run_while_clocks_go_back(
    hass: HomeAssistant, loaded: MockConfigEntry, finished: str | None
) -> None:
    """From 2:50 to 2:10, 20 minutes later: no calendar takes that."""
    report(loaded, "10-25 00:50", finished)
    (event,) = await events(hass, RUNS, "10-25 00:00:00", "10-25 12:00:00")
    assert event["start"] == event["end"] == "2026-10-25T02:50:00+02:00"


@pytest.mark.usefixtures("amsterdam")
@pytest.mark.freeze_time("2026-10-25 01:10:00+00:00")
async def test_state_of_a_run_while_clocks_go_back(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """It is on, and does not keep Home Assistant busy with waiting for its start."""
    report(loaded, "10-25 00:50")
    await settle(hass)
    assert states(hass, RUNS) == [STATE_ON]
    assert attribute(hass, RUNS, "start_time") == "2026-10-25 00:00:00"


async def test_runs_of_a_server_that_is_away(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    report(loaded, "11-23 11:58", "11-23 11:59")
    await plex.stop()
    await tick(60)
    assert states(hass, RUNS) == [STATE_UNAVAILABLE]
