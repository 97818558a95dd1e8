"""The hours of the maintenance window."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    END,
    START,
    asked,
    set_hour,
    states,
)
from .simulator import (
    PlexSimulator,
)

quick = pytest.mark.usefixtures("no_pause", "loaded")


@quick
async def test_numbers(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await set_hour(hass, START, 23)
    await set_hour(hass, END, 0)
    assert states(hass, START, END) == ["23", "0"]
    assert asked(plex) == [
        ("PUT", "ButlerStartHour=23"),
        ("GET", ""),
        ("PUT", "ButlerEndHour=0"),
        ("GET", ""),
    ]


@quick
async def test_half_an_hour(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    with pytest.raises(ServiceValidationError, match="on the hour") as raised:
        await set_hour(hass, START, 2.5)
    assert raised.value.translation_key == "whole_hours"
    assert asked(plex) == []


@pytest.mark.parametrize(
    ("setting_id", "entity_id"),
    [("ButlerTaskBackupDatabase", BACKUP_ENABLED), ("ButlerStartHour", START)],
)
async def test_value_that_makes_no_sense(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    monkeypatch: pytest.MonkeyPatch,
    setting_id: str,
    entity_id: str,
) -> None:
    listed = plex.settings.rows()
    for row in listed:
        row["value"] = {setting_id: "much"}.get(row["id"], row["value"])
    monkeypatch.setattr(plex.settings, "rows", lambda: listed)
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, entity_id, BACKUP) == [STATE_UNKNOWN, "idle"]
