"""A backup is made, and the user told, if there was none for some days."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from ..automating import finish, start
from ..common import Tick, press
from ..simulator import Fault, PlexSimulator
from .common import BACKUP, HOUR, MINUTE, stop_at_once, use_blueprint

DAY = 24 * HOUR
TITLE = "Media Server: no backup for 4 days"
DONE = [TITLE, "The database has been backed up now."]

# In the time zone of the tests
pytestmark = pytest.mark.freeze_time("2026-11-22 08:59:00-08:00")


@pytest.fixture(autouse=True)
async def used(hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator) -> None:
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=None)
    await use_blueprint(hass, "no_recent_backup", backup=BACKUP)


async def test_backup_that_was_never_seen(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await tick(MINUTE)
    assert plex.started == ["BackupDatabase"]
    assert messages == []
    plex.finish("BackupDatabase")
    await tick(0)
    assert messages == DONE


async def test_recent_backup_and_old_one(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await start(hass, plex, BACKUP)
    await finish(hass, plex, BACKUP)
    await tick(MINUTE)
    for _ in range(3):
        await tick(DAY)
    assert plex.started == ["BackupDatabase"]
    await tick(DAY)
    assert plex.started == ["BackupDatabase"] * 2
    await finish(hass, plex, BACKUP)
    await tick(DAY)
    assert messages == DONE


async def test_backup_that_was_stopped_is_none(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await start(hass, plex, BACKUP)
    stop_at_once(plex)
    await press(hass, "backup_database_stop")
    await tick(0)
    await tick(MINUTE)
    assert plex.started == ["BackupDatabase"] * 2
    await press(hass, "backup_database_stop")
    await tick(0)
    assert messages == [
        TITLE,
        "A backup was started, and was stopped before it had finished.",
    ]


async def test_time_limit(plex: PlexSimulator, tick: Tick, messages: list[str]) -> None:
    await tick(MINUTE)
    await tick(2 * HOUR)
    assert messages == [
        TITLE,
        "A backup was started. It is still running, the time limit is over.",
    ]
    assert [*plex.butler.running] == ["BackupDatabase"]


async def test_server_that_refuses(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    plex.inject(Fault.FORBIDDEN, "/butler/BackupDatabase")
    await tick(MINUTE)
    assert messages == [TITLE, "A backup failed, the log of Home Assistant says why."]


async def test_server_that_is_lost(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await tick(MINUTE)
    await plex.stop()
    await tick(MINUTE)
    assert messages == [TITLE, "A backup failed, the server cannot be reached."]


async def test_server_that_comes_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await plex.stop()
    await tick(MINUTE)
    assert messages == []
    await plex.start()
    await tick(HOUR)
    assert plex.started == ["BackupDatabase"]
    plex.finish("BackupDatabase")
    await tick(0)
    assert messages == DONE


async def test_server_that_stays_away(
    plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await plex.stop()
    await tick(MINUTE)
    await tick(10 * HOUR)
    assert messages == [
        TITLE,
        "Whether there was one is not known: the server cannot be reached.",
    ]
