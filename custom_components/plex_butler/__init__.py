"""Butler for Plex: the maintenance tasks of a Plex Media Server."""

import asyncio
from functools import partial

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType
from homeassistant.util.hass_dict import HassKey

from .authentication import async_forget_refusals, async_renew_token
from .const import DOMAIN, PLATFORMS
from .coordinator import (
    ButlerCoordinator,
    PlexButlerConfigEntry,
    PlexButlerRuntimeData,
)
from .devices import listed_identifiers
from .helpers import async_create_server, async_read_fingerprint
from .history import RunHistory, async_remove_history
from .logbook import async_fire_run_events
from .migration import async_migrate_entry  # noqa: F401 -- Home Assistant calls it
from .recovery import async_stop
from .services import async_setup_services
from .settings import ButlerSettingsCoordinator
from .stream import ButlerStream

_ADDING: HassKey[asyncio.Lock] = HassKey(f"{DOMAIN}_adding")

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Set up the actions, which exist even while no server is loaded."""
    async_setup_services(hass)

    @callback
    def clean_up(_change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Clean up after a server that is disabled while its setup is retried.

        Home Assistant does not unload it, as it was not loaded.
        """
        unloaded = entry.state is ConfigEntryState.NOT_LOADED
        if entry.domain == DOMAIN and entry.disabled_by and unloaded:
            async_stop(hass, entry)

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, clean_up)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> bool:
    """Set up a server."""
    # Entries of earlier versions have no fingerprint yet.
    data = {**entry.data, **await async_read_fingerprint(entry.data)}
    server = await async_create_server(
        hass, data, entry.unique_id, partial(async_renew_token, hass, entry)
    )
    butler = ButlerCoordinator(hass, entry, server)
    await butler.async_config_entry_first_refresh()
    hass.config_entries.async_update_entry(entry, data={**data, **entry.data})
    history = RunHistory(hass, entry)
    await history.async_load(butler.runs, butler.data.maintenance.running)
    entry.async_on_unload(butler.publish_delayed)
    settings = ButlerSettingsCoordinator(butler, server)
    await settings.async_config_entry_first_refresh()
    entry.runtime_data = PlexButlerRuntimeData(
        butler=butler, settings=settings, history=history
    )
    async_fire_run_events(hass, entry.runtime_data)
    # If all servers added entities at the same time, all would seem slow to set up.
    async with hass.data.setdefault(_ADDING, asyncio.Lock()):
        # So would others be blocked if all platforms created theirs at the same time.
        for number, platform in enumerate(PLATFORMS):
            if entry.disabled_by:
                # Home Assistant sets up no more, and may fail to unload what is not.
                added = PLATFORMS[:number]
                await hass.config_entries.async_unload_platforms(entry, added)
                return False
            await hass.config_entries.async_forward_entry_setups(entry, [platform])
    ButlerStream(server, butler, settings).async_start(hass, entry)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> bool:
    """Unload a server."""
    async_stop(hass, entry)
    async_forget_refusals(hass, entry)
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> None:
    """Clean up after a server, which may never have been loaded."""
    async_stop(hass, entry)
    async_forget_refusals(hass, entry)
    await async_remove_history(hass, entry.entry_id)


async def async_remove_config_entry_device(
    _hass: HomeAssistant, entry: PlexButlerConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Allow deleting the device of a task that the server no longer lists."""
    if entry.state is not ConfigEntryState.LOADED:
        return False
    butler = entry.runtime_data.butler
    return not device.identifiers & listed_identifiers(
        butler.identity, butler.data.tasks
    )
