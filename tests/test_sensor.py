"""What the sensors show of a task, and of the server."""

from dataclasses import replace
from datetime import UTC, datetime

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from homeassistant.components.sensor import SensorExtraStoredData
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    PROGRESS,
    RUNNING_TASKS,
    Tick,
    disable,
    parent,
    states,
    until,
)
from .simulator import PlexSimulator, RunShape, SimulatedTask


@pytest.mark.usefixtures("loaded")
async def test_idle(hass: HomeAssistant) -> None:
    assert states(hass, BACKUP, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]


@pytest.mark.usefixtures("loaded")
async def test_disabled(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    disable(plex, "BackupDatabase")
    await tick(60)
    assert states(hass, BACKUP) == ["disabled"]


@pytest.mark.parametrize(
    "shape", [RunShape.SUBTITLE, RunShape.SUB_ACTIVITIES], ids=lambda shape: shape.name
)
@pytest.mark.usefixtures("loaded")
async def test_running(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, shape: RunShape
) -> None:
    plex.shape = shape
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["running", "on", "1"]

    plex.finish("OptimizeDatabase")
    await tick(10)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]


@pytest.mark.usefixtures("loaded")
async def test_running_though_disabled(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    disable(plex, "OptimizeDatabase")
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    assert states(hass, OPTIMIZE) == ["running"]


@pytest.mark.usefixtures("loaded")
async def test_maintenance_that_does_not_say_of_what(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.shape = RunShape.PARENT_ONLY
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["idle", "on"]
    assert states(hass, RUNNING_TASKS) == [STATE_UNKNOWN]


async def test_task_of_which_little_is_said(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    """A field that is not there is not known; it is neither 0 nor off."""
    plex.tasks = {
        "Bare": SimulatedTask(
            name="Bare",
            title="",
            description="",
            interval="soon",
            schedule_randomized="maybe",
            enabled="who knows",
        )
    }
    await hass.config_entries.async_setup(entry.entry_id)
    state = hass.states.get(f"sensor.{OF_TASK}bare")
    assert state.state == STATE_UNKNOWN
    assert state.attributes["interval_days"] is None
    assert state.attributes["schedule_randomized"] is None
    assert state.attributes["task_name"] == "Bare"


@pytest.mark.usefixtures("loaded")
async def test_attributes_follow_the_server(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], interval=9)
    await tick(60)
    assert hass.states.get(BACKUP).attributes["interval_days"] == 9


async def test_progress_as_plex_counts_it(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]
    plex.notify("preference", "Setting", [{"id": "ButlerStartHour", "value": 3}])
    plex.announce("started", parent())
    await until(hass, MAINTENANCE, "on")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]
    for progress in (100, 83.3, 100, 85.7):
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, str(float(progress)))
        assert states(hass, MAINTENANCE) == ["on"]
        await tick(0.25)
    plex.announce("ended", parent(progress=100))
    await until(hass, MAINTENANCE, "off")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]


def enable(registry: er.EntityRegistry, plex: PlexSimulator, key: str) -> str:
    """Enable a sensor of OptimizeDatabase that is disabled by default."""
    entity_id = registry.async_get_entity_id(
        "sensor",
        "plex_butler",
        f"{plex.machine_identifier}_OptimizeDatabase_{key}",
    )
    registry.async_update_entity(entity_id, disabled_by=None)
    return entity_id


async def test_moments_are_disabled_by_default(
    hass: HomeAssistant, live: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    entity = entity_registry.async_get(
        f"sensor.{OF_TASK}optimize_database_last_started"
    )
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_last_started_and_finished(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    tick: Tick,
    entity_registry: er.EntityRegistry,
) -> None:
    begun, ended = (
        enable(entity_registry, plex, key) for key in ("last_started", "last_finished")
    )
    await tick(30)  # Home Assistant reloads the entry by itself
    freezer.move_to("2026-11-23 03:01:00+00:00")
    assert states(hass, begun, ended) == [STATE_UNKNOWN, STATE_UNKNOWN]

    plex.butler.start("OptimizeDatabase")
    await until(hass, begun, "2026-11-23T03:01:00+00:00")
    assert states(hass, ended) == [STATE_UNKNOWN]

    freezer.move_to("2026-11-23 03:05:00+00:00")
    plex.finish("OptimizeDatabase")
    await until(hass, ended, "2026-11-23T03:05:00+00:00")
    assert states(hass, begun) == ["2026-11-23T03:01:00+00:00"]


async def test_moments_are_kept_over_a_restart(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    moment = datetime(2026, 11, 22, 3, 5, tzinfo=UTC)
    ended = entity_registry.async_get_or_create(
        "sensor",
        "plex_butler",
        f"{plex.machine_identifier}_OptimizeDatabase_last_finished",
        config_entry=entry,
    ).entity_id
    stored = SensorExtraStoredData(moment, None).as_dict()
    mock_restore_cache_with_extra_data(
        hass, [(State(ended, moment.isoformat()), stored)]
    )
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, ended) == [moment.isoformat()]
