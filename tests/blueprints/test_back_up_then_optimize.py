"""The database is backed up, then optimized, and the user is told how that ended."""

from dataclasses import replace
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from ..common import Tick, press
from ..simulator import Fault, PlexSimulator
from .common import BACKUP, HOUR, MINUTE, OPTIMIZE, stop_at_once, use_blueprint

TITLE = "Media Server: backup and optimization"

# A Sunday, in the time zone of the tests
pytestmark = pytest.mark.freeze_time("2026-11-22 05:59:00-08:00")


@pytest.fixture
async def used(hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator) -> None:
    await use(hass, plex)


async def use(hass: HomeAssistant, plex: PlexSimulator, **inputs: Any) -> None:
    """Set up the automation, and let a backup run until the test ends it."""
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=None)
    await use_blueprint(
        hass, "back_up_then_optimize", backup=BACKUP, optimize=OPTIMIZE, **inputs
    )


async def finish(plex: PlexSimulator, tick: Tick, name: str, seconds: float) -> None:
    await tick(seconds)
    plex.finish(name)
    await tick(0)


@pytest.mark.usefixtures("used")
async def test_both_finish(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await tick(MINUTE)
    assert plex.started == ["BackupDatabase"]
    await finish(plex, tick, "BackupDatabase", 42)
    assert plex.started == ["BackupDatabase", "OptimizeDatabase"]
    assert messages == []
    await finish(plex, tick, "OptimizeDatabase", HOUR + 90)
    assert messages == [
        TITLE,
        "Backup Database has finished in 42 s.",
        "Optimize Database has finished in 1 h 1 min.",
    ]


@pytest.mark.usefixtures("used")
async def test_backup_of_no_time_that_the_server_does_not_show(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=0)
    plex.tasks["OptimizeDatabase"] = replace(plex.tasks["OptimizeDatabase"], duration=0)
    await tick(MINUTE)
    await tick(1)
    await tick(1)
    assert messages == [
        TITLE,
        "Backup Database has finished in less than a second.",
        "Optimize Database has finished in less than a second.",
    ]


@pytest.mark.usefixtures("used")
async def test_backup_that_was_running_already(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    plex.butler.start("BackupDatabase")
    await tick(MINUTE)
    await finish(plex, tick, "BackupDatabase", 42)
    await finish(plex, tick, "OptimizeDatabase", 90)
    assert messages == [
        TITLE,
        "Backup Database was already running, and has finished.",
        "Optimize Database has finished in 1 min 30 s.",
    ]


@pytest.mark.usefixtures("used")
async def test_backup_that_is_stopped(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    stop_at_once(plex)
    await tick(MINUTE)
    await tick(5)
    await press(hass, "backup_database_stop")
    await tick(0)
    assert plex.started == ["BackupDatabase"]
    assert messages == [
        TITLE,
        "Backup Database was stopped after 5 s.",
        "Optimize Database was not started.",
    ]


@pytest.mark.usefixtures("used")
async def test_time_limit_of_the_backup(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    """It goes on, but nothing is started beside it."""
    await tick(MINUTE)
    await tick(2 * HOUR)
    assert [*plex.butler.running] == plex.started == ["BackupDatabase"]
    assert messages == [
        TITLE,
        "Backup Database is still running, the time limit is over.",
        "Optimize Database was not started.",
    ]


@pytest.mark.usefixtures("used")
async def test_server_that_is_away(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await plex.stop()
    await tick(MINUTE)
    assert messages == [
        TITLE,
        "Backup Database failed, the server cannot be reached.",
        "Optimize Database was not started.",
    ]


@pytest.mark.usefixtures("used")
async def test_server_that_is_lost_during_the_second_task(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await tick(MINUTE)
    await finish(plex, tick, "BackupDatabase", 42)
    await plex.stop()
    await tick(MINUTE)
    assert messages == [
        TITLE,
        "Backup Database has finished in 42 s.",
        "Optimize Database failed, the server cannot be reached.",
    ]


@pytest.mark.usefixtures("used")
async def test_server_that_refuses(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    plex.inject(Fault.FORBIDDEN, "/butler/BackupDatabase")
    await tick(MINUTE)
    assert messages == [
        TITLE,
        "Backup Database failed, the log of Home Assistant says why.",
        "Optimize Database was not started.",
    ]


@pytest.mark.usefixtures("live")
async def test_only_problems(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await use(hass, plex, only_problems=True, days=["sun", "mon"])
    await tick(MINUTE)
    await finish(plex, tick, "BackupDatabase", 42)
    await finish(plex, tick, "OptimizeDatabase", 42)
    assert messages == []
    await tick(24 * HOUR - 84)
    await finish(plex, tick, "BackupDatabase", 42)
    await tick(2 * HOUR)
    assert messages == [
        TITLE,
        "Backup Database has finished in 42 s.",
        "Optimize Database is still running, the time limit is over.",
    ]


@pytest.mark.freeze_time("2026-11-23 05:59:00-08:00")
@pytest.mark.usefixtures("used")
async def test_other_days(plex: PlexSimulator, tick: Tick) -> None:
    await tick(MINUTE)
    assert plex.started == []


@pytest.mark.usefixtures("live")
async def test_names_with_markdown(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """They are escaped in the default notification only."""
    device = entity_registry.async_get(BACKUP).device_id
    device_registry.async_update_child_device(device, name_by_user=r"*My* [b\a]_<c>")
    await use(hass, plex)
    await plex.stop()
    await tick(MINUTE)
    assert messages == [
        TITLE,
        r"\*My\* \[b\\a\]\_\<c\> failed, the server cannot be reached.",
        "Optimize Database was not started.",
    ]
