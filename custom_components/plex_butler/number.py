"""The hours of the maintenance window."""

from functools import partial
from typing import override

from homeassistant.components.number import NumberEntity, NumberMode
from homeassistant.const import Platform, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerEntity
from .setting_entity import (
    WINDOW_HOURS,
    SettingEntity,
    async_add_setting_entities,
    has_hours,
)

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the hours of the window."""
    async_add_setting_entities(
        hass,
        entry,
        Platform.NUMBER,
        async_add_entities,
        lambda data: {
            key: partial(WindowNumber, entry.runtime_data, key)
            for key, setting_id in WINDOW_HOURS.items()
            if has_hours(data, setting_id)
        },
    )


class WindowNumber(SettingEntity, ButlerEntity, NumberEntity):
    """An hour of the day, by the server's clocks."""

    _attr_mode = NumberMode.BOX
    _attr_native_max_value = 23
    _attr_native_min_value = 0
    _attr_native_step = 1
    _attr_native_unit_of_measurement = UnitOfTime.HOURS

    def __init__(self, coordinator: ButlerCoordinator, key: str) -> None:
        """Initialize the number."""
        super().__init__(coordinator, key)
        self._attr_translation_key = key
        self._setting_id = WINDOW_HOURS[key]

    @property
    @override
    def native_value(self) -> int | None:
        """Return the hour; None when the server does not say."""
        value = self.setting_value
        return value if isinstance(value, int) else None

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Change the hour."""
        if value != int(value):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="whole_hours",
                translation_placeholders={"hour": str(value)},
            )
        await self._async_change(int(value))
