"""Entities that triggers and conditions of Butler for Plex are about."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerRuntimeData


def filter_entities(
    hass: HomeAssistant, entity_ids: set[str], translation_key: str
) -> set[str]:
    """Return those of some entities that are of this integration and of one kind.

    An area, a label or a server's device has other entities of the same domain, too.
    """
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entity_ids
        if (entity := registry.async_get(entity_id))
        and entity.platform == DOMAIN
        and entity.translation_key == translation_key
    }


def find_server(hass: HomeAssistant, entity_id: str) -> PlexButlerRuntimeData | None:
    """Return the server that an entity belongs to; None while it is not loaded."""
    entity = er.async_get(hass).async_get(entity_id)
    entries: list[PlexButlerConfigEntry] = hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    return next(
        (
            entry.runtime_data
            for entry in entries
            if entity and entry.entry_id == entity.config_entry_id
        ),
        None,
    )
