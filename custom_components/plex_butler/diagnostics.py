"""Diagnostics, with nothing in them that tells who or where the server is."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from .const import (
    CONF_ACCOUNT_TOKEN,
    CONF_CLIENT_IDENTIFIER,
    CONF_DIRECT_HASH,
    CONF_FINGERPRINT,
)
from .coordinator import PlexButlerConfigEntry

TO_REDACT = {
    CONF_ACCOUNT_TOKEN,
    CONF_CLIENT_IDENTIFIER,
    CONF_DIRECT_HASH,
    CONF_FINGERPRINT,
    CONF_TOKEN,
    CONF_URL,
    "discovery_keys",
    "title",
    "unique_id",
}


async def async_get_config_entry_diagnostics(
    _hass: HomeAssistant, entry: PlexButlerConfigEntry
) -> dict[str, Any]:
    """Return what helps to understand a problem with a server."""
    coordinator = entry.runtime_data
    data = coordinator.data
    return {
        "entry": async_redact_data(entry.as_dict(), TO_REDACT),
        "server": {
            "version": coordinator.identity.version,
            "scheme": coordinator.server_url.scheme,
        },
        "polling": {
            "last_update_success": coordinator.last_update_success,
            # Only its kind: the text of an error names the address.
            "last_error": (err := coordinator.last_exception) and type(err).__name__,
            "streaming": coordinator.streaming,
            "update_interval": str(coordinator.update_interval),
        },
        "maintenance": {
            "active": data.maintenance.active,
            "running": sorted(data.maintenance.running),
            "progress": data.maintenance.progress,
        },
        "settings": data.settings
        and {key: setting.value for key, setting in data.settings.items()},
        "tasks": [asdict(task) for task in data.tasks.values()],
    }
