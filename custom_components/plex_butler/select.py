"""When tasks do their work that are not just on or off."""

from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import LOGGER
from .coordinator import PlexButlerConfigEntry
from .plex import Behavior, SettingKind, SettingValue
from .setting_entity import (
    SCHEDULE,
    TaskSettingEntity,
    async_add_task_setting_entities,
)

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the selects of the tasks that have a choice."""
    async_add_task_setting_entities(
        hass,
        entry,
        Platform.SELECT,
        async_add_entities,
        kind=SettingKind.TEXT,
        key=SCHEDULE,
        create=TaskSelect,
    )


class TaskSelect(TaskSettingEntity, SelectEntity):
    """When the server runs a task by itself."""

    _odd: SettingValue | None = None

    @property
    @override
    def options(self) -> list[str]:
        """Return what the server lets choose from."""
        listed = [key for key, _ in self.setting.options] if self.setting else []
        return listed or list(Behavior)

    @property
    @override
    def current_option(self) -> str | None:
        """Return what is chosen; None when it is nothing to choose from."""
        value = self.setting_value
        if value in self.options:
            return str(value)
        if value not in (None, self._odd):
            self._odd = value
            LOGGER.debug("%s is set to %r, which is unknown", self._setting_id, value)
        return None

    @override
    async def async_select_option(self, option: str) -> None:
        """Choose."""
        await self._async_change(option)
