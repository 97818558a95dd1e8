"""Switches of Butler for Plex."""

from collections.abc import Iterator
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .entity import SettingEntity, async_add_listed_entities, task_settings
from .plex import SettingKind

PARALLEL_UPDATES = 1

RUN_AUTOMATICALLY = SwitchEntityDescription(
    key="enabled",
    translation_key="run_automatically",
    entity_category=EntityCategory.CONFIG,
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of the tasks that can be enabled and disabled."""
    settings = entry.runtime_data.settings

    def create() -> Iterator[TaskSwitch]:
        for setting_id, task in task_settings(settings, SettingKind.BOOL):
            yield TaskSwitch(settings, RUN_AUTOMATICALLY, setting_id, task)

    await async_add_listed_entities(
        entry, settings, async_add_entities, [RUN_AUTOMATICALLY], create
    )


class TaskSwitch(SettingEntity, SwitchEntity):
    """A switch that lets the server run a task by itself."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the task is enabled; None if the server does not report it."""
        value = self.setting_value
        return value if isinstance(value, bool) else None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Enable the task."""
        await self.async_write_setting(value=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Disable the task."""
        await self.async_write_setting(value=False)
