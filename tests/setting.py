"""What a user can set, and how."""

from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.core import HomeAssistant

from .conftest import OF_TASK
from .simulator import PlexSimulator

PREFS = "/:/prefs"
BACKUP = f"sensor.{OF_TASK}backup_database"
BACKUP_ENABLED = f"switch.{OF_TASK}backup_database_enabled"
OPTIMIZE_ENABLED = f"switch.{OF_TASK}optimize_database_enabled"
THUMBS = f"select.{OF_TASK}generate_chapter_thumbnails_schedule"
VOICE = f"select.{OF_TASK}generate_voice_activity_schedule"
START = "number.media_server_window_start"
END = "number.media_server_window_end"

WINDOW = "binary_sensor.media_server_maintenance_window"
NEXT_START = "sensor.media_server_next_window_start"


async def switch(hass: HomeAssistant, entity_id: str, *, on: bool) -> None:
    action = "turn_on" if on else "turn_off"
    await hass.services.async_call(
        "switch", action, {"entity_id": entity_id}, blocking=True
    )


async def choose(hass: HomeAssistant, entity_id: str, option: str) -> None:
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": entity_id, "option": option},
        blocking=True,
    )


async def set_hour(hass: HomeAssistant, entity_id: str, hour: float) -> None:
    await hass.services.async_call(
        "number", "set_value", {"entity_id": entity_id, "value": hour}, blocking=True
    )


async def move_window(
    hass: HomeAssistant, entry: MockConfigEntry, **hours: Any
) -> None:
    await hass.services.async_call(
        DOMAIN,
        "set_maintenance_window",
        {"config_entry_id": entry.entry_id, **hours},
        blocking=True,
    )


def asked(plex: PlexSimulator) -> list[tuple[str, str]]:
    """Return what was asked of the settings, without the reads."""
    return [
        (request.method, request.query)
        for request in plex.requests
        if request.raw_path == PREFS
    ]
