"""What a user sees and presses."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    RUNNING_TASKS,
    Tick,
    disable,
    press,
    reads,
    states,
)
from .simulator import Fault, PlexSimulator, RunShape, SimulatedTask


@pytest.mark.freeze_time("2026-11-23 12:00:00")
async def test_entities_of_a_server_and_a_task(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    plex.tasks = {"BackupDatabase": plex.tasks["BackupDatabase"]}
    await hass.config_entries.async_setup(entry.entry_id)
    entities = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    for entity in entities:
        key = entity.unique_id.removeprefix(f"{plex.machine_identifier}_")
        assert {
            "category": entity.entity_category,
            "device_class": entity.original_device_class,
            "disabled_by": entity.disabled_by,
            "state": hass.states.get(entity.entity_id),
            "translation_key": entity.translation_key,
        } == snapshot(name=key, exclude=props("entity_id"))
    assert len(entities) == 16


@pytest.mark.usefixtures("loaded")
async def test_entities_of_a_whole_server(hass: HomeAssistant) -> None:
    """Ten of the server, and three or four of each of 22 tasks.

    Those are enabled by default, and 19 tasks have a setting.
    """
    assert len(hass.states.async_entity_ids()) == 10 + 22 * 3 + 19


# What is known of a task


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


# Presses


@pytest.mark.usefixtures("loaded")
async def test_start(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    await press(hass, "optimize_database_start")
    assert plex.started == ["OptimizeDatabase"]
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["running", "on", "1"]

    await tick(1)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["running", "on", "1"]

    plex.finish("OptimizeDatabase")
    await tick(10)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]


@pytest.mark.usefixtures("loaded")
async def test_start_of_a_task_that_is_over_at_once(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    await press(hass, "backup_database_start")
    assert states(hass, BACKUP) == ["running"]
    await tick(1)
    assert states(hass, BACKUP, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]


@pytest.mark.usefixtures("loaded")
async def test_start_is_not_forgotten_before_plex_shows_it(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """A poll that happens to fall right after the press finds nothing yet."""
    await tick(59.8)
    plex.inject(Fault.EMPTY, "/activities", times=1)
    await press(hass, "optimize_database_start")
    await tick(0.5)
    assert reads(plex)[-1].raw_path == "/activities"
    assert states(hass, OPTIMIZE) == ["running"]

    await tick(1)
    assert states(hass, OPTIMIZE) == ["running"]


@pytest.mark.usefixtures("loaded")
async def test_start_stays_with_a_run_that_does_not_say_of_what(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.shape = RunShape.PARENT_ONLY
    await press(hass, "optimize_database_start")
    for _ in range(3):
        await tick(10)
        assert states(hass, OPTIMIZE, RUNNING_TASKS) == ["running", "1"]

    plex.finish("OptimizeDatabase")
    await tick(10)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["idle", "off"]


@pytest.mark.usefixtures("loaded")
async def test_start_ends_when_another_task_is_the_one_at_work(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("RefreshLibraries")
    await press(hass, "optimize_database_start")
    plex.finish("OptimizeDatabase")
    await tick(1)
    assert states(hass, OPTIMIZE, RUNNING_TASKS) == ["idle", "1"]


@pytest.mark.usefixtures("loaded")
async def test_two_presses_right_after_each_other(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    await press(hass, "optimize_database_start")
    await tick(0.4)
    await press(hass, "clean_old_bundles_start")
    plex.finish("OptimizeDatabase")
    plex.finish("CleanOldBundles")
    await tick(1)
    assert states(
        hass, OPTIMIZE, f"sensor.{OF_TASK}clean_old_bundles", RUNNING_TASKS
    ) == ["idle", "idle", "0"]


@pytest.mark.usefixtures("loaded")
async def test_stop(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    """Plex finishes the item in work first: until then the task runs."""
    plex.stop_delay = None
    await press(hass, "optimize_database_start")
    await press(hass, "optimize_database_stop")
    await tick(1)
    assert states(hass, OPTIMIZE) == ["running"]

    plex.finish("OptimizeDatabase")
    await tick(10)
    assert states(hass, OPTIMIZE) == ["idle"]


@pytest.mark.usefixtures("loaded")
async def test_stop_that_works_at_once(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.stop_delay = 0
    await press(hass, "optimize_database_start")
    await press(hass, "optimize_database_stop")
    await tick(1)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["idle", "off"]


@pytest.mark.usefixtures("loaded")
async def test_stop_of_what_does_not_run(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    await press(hass, "backup_database_stop")
    assert reads(plex)[-1].method == "DELETE"
    assert reads(plex)[-1].raw_path == "/butler/BackupDatabase"


@pytest.mark.usefixtures("loaded")
async def test_start_all_and_stop_all(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.stop_delay = 0
    await press(hass, "start_all_tasks", "media_server_")
    assert (reads(plex)[-1].method, reads(plex)[-1].raw_path) == ("POST", "/butler")
    await tick(1)
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["on", "1"]

    await press(hass, "stop_all_tasks", "media_server_")
    assert reads(plex)[-1].method == "DELETE"
    assert reads(plex)[-1].raw_path == "/butler"
    await tick(1)
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]


@pytest.mark.usefixtures("loaded")
async def test_stop_all_forgets_what_was_started(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.shape = RunShape.PARENT_ONLY
    plex.stop_delay = None
    await press(hass, "optimize_database_start")
    await press(hass, "stop_all_tasks", "media_server_")
    await tick(1)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["idle", "on"]
