"""Diagnostics of a server, without anything that identifies it or its owner."""

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
    """Return diagnostics of a server."""
    butler = entry.runtime_data.butler
    settings = entry.runtime_data.settings.data
    data = butler.data
    return {
        "entry": async_redact_data(entry.as_dict(), TO_REDACT),
        "server": {
            "version": butler.identity.version,
            "scheme": butler.server_url.scheme,
        },
        "polling": {
            "last_update_success": butler.last_update_success,
            # Only its type: the message contains the address.
            "last_error": (err := butler.last_exception) and type(err).__name__,
            "streaming": butler.stream_up,
            "update_interval": str(butler.update_interval),
        },
        "maintenance": {
            "active": data.maintenance.active,
            "running": sorted(data.maintenance.running),
            "progress": data.maintenance.progress,
        },
        "observations": {"answers": butler.answers, **butler.observations.as_dict()},
        "settings": settings
        and {key: setting.value for key, setting in settings.items()},
        "tasks": [asdict(task) for task in data.tasks.values()],
    }
