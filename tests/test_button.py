"""What the buttons ask of the server, and what is shown of it."""

import pytest

from homeassistant.core import HomeAssistant

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    RUNNING_TASKS,
    Tick,
    press,
    reads,
    states,
)
from .simulator import Fault, PlexSimulator, RunShape


@pytest.mark.usefixtures("loaded")
async def test_start(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    await press(hass, "optimize_database_start")
    assert plex.started == ["OptimizeDatabase"]
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["running", "on", "1"]

    await tick(1)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["running", "on", "1"]

    plex.finish("OptimizeDatabase")
    await tick(5)
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
    await tick(5)
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
    """Plex finishes the item in work first: until then the task is stopping."""
    plex.stop_delay = None
    await press(hass, "optimize_database_start")
    await press(hass, "optimize_database_stop")
    await tick(1)
    assert states(hass, OPTIMIZE, RUNNING_TASKS) == ["stopping", "1"]

    plex.finish("OptimizeDatabase")
    await tick(5)
    assert states(hass, OPTIMIZE) == ["idle"]


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
