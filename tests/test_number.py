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
    Tick,
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


@quick
@pytest.mark.parametrize(("entity_id", "hour"), [(START, 5), (END, 2)])
async def test_same_hour(
    hass: HomeAssistant, plex: PlexSimulator, entity_id: str, hour: int
) -> None:
    plex.requests.clear()
    with pytest.raises(ServiceValidationError, match="same hour") as raised:
        await set_hour(hass, entity_id, hour)
    assert raised.value.translation_key == "same_hour"
    assert asked(plex) == []
    assert states(hass, START, END) == ["2", "5"]


@quick
async def test_server_that_has_the_same_hour_for_both(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """It was set elsewhere, and can be changed here."""
    plex.change_settings(ButlerStartHour="5")
    await tick(900)
    assert states(hass, START, END) == ["5", "5"]
    await set_hour(hass, END, 7)
    assert states(hass, START, END) == ["5", "7"]


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
