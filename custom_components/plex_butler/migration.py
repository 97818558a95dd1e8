"""Migration of config entries of earlier versions."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, instance_id

from .const import CONF_CLIENT_IDENTIFIER, CONF_DIRECT_HASH, DOMAIN
from .plex import direct_hash_of


async def async_migrate_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Migrate an entry from an earlier minor version.

    In 1.1, all entries had one client identifier. The token of an entry belongs to that
    identifier, so the entry keeps it. In 1.2, the hours of the maintenance window were
    numbers.
    """
    if entry.minor_version == 1:
        data = dict(entry.data)
        data[CONF_CLIENT_IDENTIFIER] = f"{DOMAIN}-{await instance_id.async_get(hass)}"
        if data[CONF_VERIFY_SSL] and (hash_ := direct_hash_of(data[CONF_URL])):
            data[CONF_DIRECT_HASH] = hash_
        hass.config_entries.async_update_entry(entry, data=data, minor_version=2)
    if entry.minor_version == 2:  # noqa: PLR2004 -- a version
        _move_hours(hass, entry)
        hass.config_entries.async_update_entry(entry, minor_version=3)
    return True


@callback
def _move_hours(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Replace numbers by selects of the same ids, and keep what the user changed."""
    registry = er.async_get(hass)
    for number in er.async_entries_for_config_entry(registry, entry.entry_id):
        if number.domain != Platform.NUMBER:
            continue
        registry.async_remove(number.entity_id)
        select = registry.async_get_or_create(
            Platform.SELECT,
            DOMAIN,
            number.unique_id,
            config_entry=entry,
            device_id=number.device_id,
            disabled_by=number.disabled_by,
            hidden_by=number.hidden_by,
            suggested_object_id=number.entity_id.partition(".")[2],
        )
        registry.async_update_entity(
            select.entity_id,
            aliases=number.aliases,
            area_id=number.area_id,
            categories=number.categories,
            icon=number.icon,
            labels=number.labels,
            name=number.name,
        )
        for domain, options in number.options.items():
            registry.async_update_entity_options(select.entity_id, domain, options)
