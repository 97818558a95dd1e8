"""Enabling tasks."""

from dataclasses import replace

import pytest

from homeassistant.core import HomeAssistant

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    OPTIMIZE_ENABLED,
    Tick,
    asked,
    settle,
    states,
    turn,
)
from .simulator import (
    PlexSimulator,
)

quick = pytest.mark.usefixtures("no_pause", "loaded")


@quick
async def test_switch(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await turn(hass, BACKUP_ENABLED, on=False)
    assert asked(plex) == [("PUT", "ButlerTaskBackupDatabase=0"), ("GET", "")]
    assert states(hass, BACKUP_ENABLED, OPTIMIZE_ENABLED) == ["off", "on"]
    await settle(hass)
    assert states(hass, BACKUP) == ["disabled"]

    await turn(hass, BACKUP_ENABLED, on=True)
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, BACKUP) == ["on", "idle"]
    assert plex.tasks["BackupDatabase"].enabled


@quick
async def test_task_that_is_disabled_a_little_later(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """A server may take longer than a moment to show it in its list."""
    backup = plex.tasks.pop("BackupDatabase")
    await turn(hass, BACKUP_ENABLED, on=False)
    plex.tasks["BackupDatabase"] = backup
    await settle(hass)
    assert states(hass, BACKUP) == ["idle"]

    plex.tasks["BackupDatabase"] = replace(backup, enabled=False)
    await tick(11)
    assert states(hass, BACKUP) == ["disabled"]
