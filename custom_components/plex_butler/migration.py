"""Migration of config entries of earlier versions."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import instance_id

from .const import CONF_CLIENT_IDENTIFIER, CONF_DIRECT_HASH, DOMAIN
from .plex import direct_hash_of


async def async_migrate_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Migrate an entry from version 1.1, which had one client identifier for all.

    Its token belongs to that identifier, so it keeps it.
    """
    if entry.minor_version == 1:
        data = dict(entry.data)
        data[CONF_CLIENT_IDENTIFIER] = f"{DOMAIN}-{await instance_id.async_get(hass)}"
        if data[CONF_VERIFY_SSL] and (hash_ := direct_hash_of(data[CONF_URL])):
            data[CONF_DIRECT_HASH] = hash_
        hass.config_entries.async_update_entry(entry, data=data, minor_version=2)
    return True
