"""Selects of Butler for Plex."""

from collections.abc import Iterator
from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .entity import SettingEntity, async_add_listed_entities, has_hours, task_settings
from .plex import Behavior, SettingKind, WindowSetting

PARALLEL_UPDATES = 1

RUN_AUTOMATICALLY = SelectEntityDescription(
    key="schedule",
    translation_key="run_automatically",
    entity_category=EntityCategory.CONFIG,
)
WINDOW_HOURS = {
    WindowSetting.START: SelectEntityDescription(
        key="window_start",
        translation_key="window_start",
        entity_category=EntityCategory.CONFIG,
    ),
    WindowSetting.END: SelectEntityDescription(
        key="window_end",
        translation_key="window_end",
        entity_category=EntityCategory.CONFIG,
    ),
}
HOURS = [f"{hour:02}:00" for hour in range(24)]


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the selects of a server and its tasks."""
    settings = entry.runtime_data.settings

    def create() -> Iterator[SelectEntity]:
        for hour, description in WINDOW_HOURS.items():
            if has_hours(settings, hour):
                yield HourSelect(settings, description, hour)
        for setting_id, task in task_settings(settings, SettingKind.TEXT):
            yield TaskSelect(settings, RUN_AUTOMATICALLY, setting_id, task)

    await async_add_listed_entities(
        entry,
        settings,
        async_add_entities,
        [*WINDOW_HOURS.values(), RUN_AUTOMATICALLY],
        create,
    )


class HourSelect(SettingEntity, SelectEntity):
    """A select of an hour of the day, in the server's local time."""

    _attr_options = HOURS

    @property
    @override
    def current_option(self) -> str | None:
        """Return the hour; None if the server does not report one."""
        value = self.setting_value
        return HOURS[value] if isinstance(value, int) else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Change the hour."""
        await self.async_write_setting(HOURS.index(option))


class TaskSelect(SettingEntity, SelectEntity):
    """A select of when the server runs a task by itself."""

    @property
    @override
    def options(self) -> list[str]:
        """Return the options the server offers."""
        listed = [key for key, _ in self.setting.options] if self.setting else []
        return listed or list(Behavior)

    @property
    @override
    def current_option(self) -> str | None:
        """Return the selected option; None if it is not one of the options."""
        value = self.setting_value
        return str(value) if value in self.options else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Change the selected option."""
        await self.async_write_setting(option)
