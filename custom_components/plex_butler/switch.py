"""Whether tasks are enabled."""

from functools import partial
from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerTaskEntity
from .plex import ButlerTask, SettingKind, setting_of
from .setting_entity import (
    ENABLED,
    SettingEntity,
    async_add_setting_entities,
    tasks_set_by,
)

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of the tasks that can be switched."""
    async_add_setting_entities(
        hass,
        entry,
        Platform.SWITCH,
        async_add_entities,
        lambda data: {
            f"{task.name}_{ENABLED}": partial(TaskSwitch, entry.runtime_data, task)
            for task in tasks_set_by(data, SettingKind.BOOL)
        },
    )


class TaskSwitch(SettingEntity, ButlerTaskEntity, SwitchEntity):
    """Whether the server runs a task by itself."""

    _attr_translation_key = ENABLED

    def __init__(self, coordinator: ButlerCoordinator, task: ButlerTask) -> None:
        """Initialize the switch."""
        super().__init__(coordinator, ENABLED, task)
        self._setting_id = setting_of(task.name)

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
