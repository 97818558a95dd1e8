"""How often a server is asked, and what is made of its answers."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    OF_TASK,
    OPTIMIZE,
    PROGRESS,
    START,
    Tick,
    disable,
    parent,
    press,
    reads,
    settle,
    states,
    until,
)
from .simulator import PlexSimulator


async def test_polls_every_minute_when_idle(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    await tick(58)
    assert reads(plex) == []
    await tick(3)
    assert [request.raw_path for request in reads(plex)] == ["/butler", "/activities"]


async def test_polls_every_ten_seconds_while_a_task_runs(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(61)
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "running"

    plex.requests.clear()
    await tick(8)
    assert reads(plex) == []
    plex.finish("OptimizeDatabase")
    await tick(3)
    assert len(reads(plex)) == 2
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "idle"

    plex.requests.clear()
    await tick(55)
    assert reads(plex) == []


async def test_looks_often_for_a_while_after_a_request(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A server may take longer than a moment to begin."""
    await hass.services.async_call(
        DOMAIN, "stop_all_tasks", {"config_entry_id": loaded.entry_id}, blocking=True
    )
    await tick(1)
    plex.requests.clear()
    for _ in range(3):
        await tick(11)
    assert len(reads(plex)) == 6
    await tick(55)
    assert len(reads(plex)) == 6


async def test_polling_disabled_by_the_user(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    """Then only a press, an action and homeassistant.update_entity read."""
    await async_setup_component(hass, "homeassistant", {})
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    plex.requests.clear()
    await tick(600)
    assert reads(plex) == []

    disable(plex, "BackupDatabase")
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
    )
    assert hass.states.get(BACKUP).state == "disabled"


async def test_nothing_new_writes_no_state(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(BACKUP).last_reported
    await tick(61)
    await tick(61)
    assert events == []
    assert hass.states.get(BACKUP).last_reported == reported

    disable(plex, "BackupDatabase")
    await tick(61)
    assert [event.data["entity_id"] for event in events] == [BACKUP]


async def test_repeated_frames_write_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.announce("started", parent(progress=7))
    await until(hass, PROGRESS, "7.0")
    await tick(0.25)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(PROGRESS).last_reported
    for _ in range(100):
        plex.announce("updated", parent(progress=7))
    plex.announce("updated", parent(progress=8))
    await until(hass, PROGRESS, "8.0")
    assert [event.data["entity_id"] for event in events] == [PROGRESS]
    assert reported < hass.states.get(PROGRESS).last_reported


async def test_burst_of_frames(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A thousand in a second: four writes a second will do, and the last one is right."""
    plex.announce("started", parent(progress=0))
    await until(hass, PROGRESS, "0.0")
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    for step in range(1, 11):
        for part in range(100):
            plex.announce("updated", parent(progress=(step * 100 + part) / 20))
        # Another kind of change is written at once: all of the burst is in by then.
        plex.announce("started", parent(uuid="sub", title="OptimizeDatabase"))
        await until(hass, OPTIMIZE, "running")
        plex.announce("ended", parent(uuid="sub", title="OptimizeDatabase"))
        await until(hass, OPTIMIZE, "idle")
        freezer.tick(timedelta(seconds=0.1))
        async_fire_time_changed(hass)
    freezer.tick(timedelta(seconds=0.25))
    async_fire_time_changed(hass)
    await settle(hass)

    progress = [e for e in events if e.data["entity_id"] == PROGRESS]
    assert len(progress) <= 2 * 10 + 5
    assert states(hass, PROGRESS) == [str(1099 / 20)]


async def test_another_server_at_the_address(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    plex.machine_identifier = "f" * 40
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "wrong_server"
    assert {(r.raw_path, r.token) for r in plex.requests} == {("/identity", None)}


async def test_another_server_after_an_outage(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    right, plex.machine_identifier = plex.machine_identifier, "f" * 40
    await plex.start()
    await tick(60)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE

    plex.machine_identifier = right
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


# Tests fire timers up to half a second early.
@pytest.mark.parametrize("seconds", [0.3, 0.4])
async def test_refresh_is_not_put_off(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    seconds: float,
) -> None:
    """Presses that follow each other closely do not delay what they show."""
    disable(plex, "OptimizeDatabase")
    for _ in range(6):
        await press(hass, "backup_database_stop")
        await tick(seconds)
    assert states(hass, OPTIMIZE) == ["disabled"]

    await press(hass, "backup_database_stop")
    disable(plex, "BackupDatabase")
    await tick(1)
    await tick(1)
    assert states(hass, BACKUP) == ["disabled"]


async def test_refresh_after_the_last_of_several_presses(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    for _ in range(2):
        await press(hass, "backup_database_stop")
        await tick(0.3)
    disable(plex, "BackupDatabase")
    await tick(1)
    assert states(hass, BACKUP) == ["disabled"]

    plex.requests.clear()
    for _ in range(3):
        await tick(1)
    assert reads(plex) == []


async def test_refresh_after_settings_that_change_again_and_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    for hour in (3, 4, 5, 6, 7, 1):
        plex.change_settings(ButlerStartHour=str(hour), ButlerTaskBackupDatabase="0")
        await settle(hass)
        await tick(0.4)
    assert states(hass, BACKUP) == ["disabled"]
    await tick(1)
    assert states(hass, START) == ["1"]
