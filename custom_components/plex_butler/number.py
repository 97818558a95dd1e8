"""Numbers of Butler for Plex."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import override

from homeassistant.components.number import (
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry
from .entity import SettingEntity, async_add_listed_entities, has_hours
from .plex import WindowSetting

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class HourNumberDescription(NumberEntityDescription):
    """Describe a number that is an hour of the day."""

    entity_category: EntityCategory | None = EntityCategory.CONFIG
    mode: NumberMode | None = NumberMode.BOX
    native_max_value: float | None = 23
    native_min_value: float | None = 0
    native_step: float | None = 1
    native_unit_of_measurement: str | None = UnitOfTime.HOURS
    setting_id: WindowSetting


WINDOW_HOURS = (
    HourNumberDescription(
        key="window_start",
        translation_key="window_start",
        setting_id=WindowSetting.START,
    ),
    HourNumberDescription(
        key="window_end",
        translation_key="window_end",
        setting_id=WindowSetting.END,
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the hours of the maintenance window."""
    settings = entry.runtime_data.settings

    def create() -> Iterator[HourNumber]:
        for hour in WINDOW_HOURS:
            if has_hours(settings, hour.setting_id):
                yield HourNumber(settings, hour, hour.setting_id)

    async_add_listed_entities(entry, settings, async_add_entities, WINDOW_HOURS, create)


class HourNumber(SettingEntity, NumberEntity):
    """A number that is an hour of the day, in the server's local time."""

    @property
    @override
    def native_value(self) -> int | None:
        """Return the hour; None if the server does not report it."""
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
        await self.async_write_setting(int(value))
