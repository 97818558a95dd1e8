"""What the sensors show of a task, and of the server."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant

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
    settle,
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
    assert hass.states.get(RUNNING_TASKS).attributes["tasks"] == ["Optimize Database"]

    plex.finish("OptimizeDatabase")
    await tick(5)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]
    assert hass.states.get(RUNNING_TASKS).attributes["tasks"] == []


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
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "on", "0"]
    await tick(5)  # It may have been over after less than a second.
    assert states(hass, RUNNING_TASKS) == [STATE_UNKNOWN]


async def test_task_of_which_little_is_said(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    """A field that is not there is not known; but it is known that nothing runs."""
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
    assert state.state == "idle"
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
    for progress in (83.3, 85.7):
        plex.announce("updated", parent(progress=100))
        await settle(hass)
        await tick(4.9)
        plex.announce("updated", parent(progress=progress))
        await settle(hass)
        assert states(hass, MAINTENANCE) == ["on"]
        await tick(5)
        assert states(hass, PROGRESS, MAINTENANCE) == [str(progress), "on"]
    plex.announce("ended", parent(progress=100))
    await until(hass, MAINTENANCE, "off")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]


async def test_task_that_may_be_enabled_or_not(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """It is known that it does not run, and it can be seen to start and end."""
    plex.tasks["OptimizeDatabase"] = replace(
        plex.tasks["OptimizeDatabase"], enabled=None
    )
    await tick(61)
    assert states(hass, OPTIMIZE) == ["idle"]
    plex.butler.start("OptimizeDatabase")
    await tick(61)
    assert states(hass, OPTIMIZE) == ["running"]
