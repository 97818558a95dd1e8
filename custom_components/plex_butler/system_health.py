"""System health of each server."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .coordinator import ButlerCoordinator, PlexButlerConfigEntry


@callback
def async_register(_hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register the system health information."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return up to three lines for each server, with its name.

    Home Assistant translates lines by their keys, which cannot tell servers apart.
    """
    texts = await async_get_translations(
        hass, hass.config.language, "system_health", [DOMAIN]
    )
    info: dict[str, Any] = {}
    entries: list[PlexButlerConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    for entry in entries:
        loaded = entry.state is ConfigEntryState.LOADED
        lines = _lines(entry.runtime_data.butler if loaded else None)
        for key, value in lines.items():
            text = texts[f"component.{DOMAIN}.system_health.info.{key}"]
            info[f"{entry.title}: {text}"] = value
    return info


def _lines(butler: ButlerCoordinator | None) -> dict[str, Any]:
    if butler is None:
        return {"reachable": False}
    return {
        "reachable": butler.last_update_success,
        "version": butler.identity.version,
        "streaming": butler.stream_up,
    }
