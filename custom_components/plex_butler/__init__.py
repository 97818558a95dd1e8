"""Butler for Plex: the maintenance tasks of a Plex Media Server."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, PLATFORMS
from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .devices import listed_identifiers
from .helpers import async_create_server
from .migration import async_migrate_entry  # noqa: F401 -- Home Assistant calls it
from .recovery import async_delete_issues
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up the actions, which exist even while no server is loaded."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> bool:
    """Set up a server."""
    coordinator = ButlerCoordinator(
        hass, entry, await async_create_server(hass, entry.data)
    )
    await coordinator.async_config_entry_first_refresh()
    await coordinator.async_read_settings()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_create_background_task(
        hass, coordinator.async_listen(), f"{entry.title} - stream"
    )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> bool:
    """Unload a server."""
    async_delete_issues(hass, entry)
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> None:
    """Remove a server, which may never have been loaded."""
    async_delete_issues(hass, entry)


async def async_remove_config_entry_device(
    _hass: HomeAssistant, entry: PlexButlerConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Allow to delete the device of a task that the server no longer lists."""
    return (
        entry.state is ConfigEntryState.LOADED
        and not device.identifiers
        & listed_identifiers(entry.runtime_data.identity, entry.runtime_data.data.tasks)
    )
