"""Binary sensors of Butler for Plex."""

from collections.abc import Iterator
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerConfigEntry
from .entity import ButlerEntity, WindowEntity, async_add_listed_entities, has_hours
from .plex import WindowSetting

PARALLEL_UPDATES = 0

MAINTENANCE = BinarySensorEntityDescription(
    key="maintenance",
    translation_key="maintenance",
    device_class=BinarySensorDeviceClass.RUNNING,
)
MAINTENANCE_WINDOW = BinarySensorEntityDescription(
    key="maintenance_window",
    translation_key="maintenance_window",
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of a server."""
    settings = entry.runtime_data.settings

    def create() -> Iterator[WindowBinarySensor]:
        if has_hours(settings, *WindowSetting):
            yield WindowBinarySensor(settings, MAINTENANCE_WINDOW)

    async_add_entities(
        [MaintenanceBinarySensor(entry.runtime_data.butler, MAINTENANCE)]
    )
    await async_add_listed_entities(
        entry, settings, async_add_entities, [MAINTENANCE_WINDOW], create
    )


class MaintenanceBinarySensor(ButlerEntity, BinarySensorEntity):
    """A binary sensor that is on while the Butler runs any task."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the Butler is running; None if it is not known."""
        return self.coordinator.data.maintenance.active


class WindowBinarySensor(WindowEntity, BinarySensorEntity):
    """A binary sensor that is on during the maintenance window."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the window is open; None if it is not known."""
        window = self.coordinator.window
        return window.is_open(dt_util.utcnow()) if window else None
