"""Whether the Butler is at work."""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerEntity

PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensor of a server."""
    async_add_entities([MaintenanceBinarySensor(entry.runtime_data)])


class MaintenanceBinarySensor(ButlerEntity, BinarySensorEntity):
    """On while the Butler works on any task."""

    _attr_device_class = BinarySensorDeviceClass.RUNNING
    _attr_translation_key = "maintenance"

    def __init__(self, coordinator: ButlerCoordinator) -> None:
        """Initialize the binary sensor."""
        super().__init__(coordinator, "maintenance")

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the Butler is at work."""
        return self.coordinator.data.maintenance.active
