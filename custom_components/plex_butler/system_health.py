"""What Home Assistant's repairs page tells of each server."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .coordinator import ButlerCoordinator, PlexButlerConfigEntry


@callback
def async_register(_hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what there is to tell."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return three lines a server, each with the server's name.

    Home Assistant translates lines by their keys, which cannot tell servers apart.
    """
    texts = await async_get_translations(
        hass, hass.config.language, "system_health", [DOMAIN]
    )
    info: dict[str, Any] = {}
    entries: list[PlexButlerConfigEntry] = hass.config_entries.async_entries(DOMAIN)
    for entry in entries:
        loaded = entry.state is ConfigEntryState.LOADED
        lines = _lines(entry.runtime_data if loaded else None)
        for key, value in lines.items():
            text = texts[f"component.{DOMAIN}.system_health.info.{key}"]
            info[f"{entry.title}: {text}"] = value
    return info


def _lines(coordinator: ButlerCoordinator | None) -> dict[str, Any]:
    if coordinator is None:
        return {"reachable": False}
    return {
        "reachable": coordinator.last_update_success,
        "version": coordinator.identity.version,
        "streaming": coordinator.streaming,
    }
