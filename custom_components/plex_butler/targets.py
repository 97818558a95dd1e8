"""Entities that triggers and conditions of Butler for Plex are about."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .models import ButlerData


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


def find_data(hass: HomeAssistant, entity_id: str) -> ButlerData | None:
    """Return the data of an entity's server; None while the server is not loaded."""
    entity = er.async_get(hass).async_get(entity_id)
    return next(
        (
            entry.runtime_data.butler.data
            for entry in hass.config_entries.async_loaded_entries(DOMAIN)
            if entity and entry.entry_id == entity.config_entry_id
        ),
        None,
    )
