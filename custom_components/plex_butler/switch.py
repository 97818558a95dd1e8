"""Whether tasks are enabled."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .plex import SettingKind
from .setting_entity import (
    ENABLED,
    TaskSettingEntity,
    async_add_task_setting_entities,
)

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of the tasks that can be switched."""
    async_add_task_setting_entities(
        hass,
        entry,
        Platform.SWITCH,
        async_add_entities,
        kind=SettingKind.BOOL,
        key=ENABLED,
        create=TaskSwitch,
    )


class TaskSwitch(TaskSettingEntity, SwitchEntity):
    """Whether the server runs a task by itself."""

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether the task is enabled; None when the server does not say."""
        value = self.setting_value
        return value if isinstance(value, bool) else None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Enable the task."""
        await self._async_change(value=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Disable the task."""
        await self._async_change(value=False)
