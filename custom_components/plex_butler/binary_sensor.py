"""Whether the Butler is at work, and whether it may be."""

from functools import partial
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerEntity
from .plex import WindowSetting
from .setting_entity import (
    MAINTENANCE_WINDOW,
    WindowEntity,
    async_add_setting_entities,
    has_hours,
)

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of a server."""
    coordinator = entry.runtime_data
    async_add_entities([MaintenanceBinarySensor(coordinator)])
    create = partial(WindowBinarySensor, coordinator, MAINTENANCE_WINDOW)
    async_add_setting_entities(
        hass,
        entry,
        Platform.BINARY_SENSOR,
        async_add_entities,
        lambda data: (
            {MAINTENANCE_WINDOW: create} if has_hours(data, *WindowSetting) else {}
        ),
    )


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


class WindowBinarySensor(WindowEntity, BinarySensorEntity):
    """On while it is maintenance time where the server is."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the window is open; None when it is not known."""
        window = self.window
        return window.is_open(dt_util.utcnow()) if window else None
