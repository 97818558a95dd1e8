"""What the entities share that are about the server's settings."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import override

from homeassistant.const import EntityCategory, Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.util import dt as dt_util

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .devices import server_identifier
from .entity import ButlerEntity, ButlerTaskEntity
from .models import ButlerData
from .plex import (
    ButlerTask,
    MaintenanceWindow,
    Setting,
    SettingKind,
    SettingValue,
    WindowSetting,
    maintenance_window,
    setting_id_for_task,
    setting_kind_for_task,
)

# What is said of an entity by its translation key: that it is about settings.
ENABLED = "enabled"
SCHEDULE = "schedule"
MAINTENANCE_WINDOW = "maintenance_window"
NEXT_WINDOW_START = "next_window_start"
WINDOW_HOURS = {
    "window_start": WindowSetting.START,
    "window_end": WindowSetting.END,
}
_KEYS = {ENABLED, SCHEDULE, MAINTENANCE_WINDOW, NEXT_WINDOW_START, *WINDOW_HOURS}

type Creators = Mapping[str, Callable[[], Entity]]
"""What makes the entities the settings call for, by the ends of their unique ids."""


class SettingEntity(CoordinatorEntity[ButlerCoordinator]):
    """An entity that shows and changes one setting."""

    _attr_entity_category = EntityCategory.CONFIG
    _setting_id: str

    @property
    def setting(self) -> Setting | None:
        """The setting; None while it is not known."""
        return _settings(self.coordinator.data).get(self._setting_id)

    @property
    def setting_value(self) -> SettingValue | None:
        """What it is set to; None when the server does not say."""
        return self.setting.value if self.setting else None

    @property
    @override
    def available(self) -> bool:
        """A setting the server does not list can be neither seen nor changed."""
        return super().available and self.setting is not None

    async def _async_change(self, value: SettingValue) -> None:
        """Change the setting."""
        await self.coordinator.set_settings({self._setting_id: value})


class TaskSettingEntity(SettingEntity, ButlerTaskEntity):
    """A setting that says when a task may run."""

    def __init__(
        self, coordinator: ButlerCoordinator, key: str, task: ButlerTask
    ) -> None:
        """Initialize the entity."""
        super().__init__(coordinator, key, task)
        self._attr_translation_key = key
        self._setting_id = setting_id_for_task(task.name)


class WindowEntity(ButlerEntity):
    """An entity that tells of the maintenance window, and changes by the clock."""

    def __init__(self, coordinator: ButlerCoordinator, key: str) -> None:
        """Initialize the entity."""
        super().__init__(coordinator, key)
        self._attr_translation_key = key
        self._timed: MaintenanceWindow | None = None
        self._cancel: CALLBACK_TYPE | None = None

    @property
    def window(self) -> MaintenanceWindow | None:
        """The window; None when it is not known."""
        return maintenance_window(
            _settings(self.coordinator.data), self.coordinator.time_zone
        )

    @property
    @override
    def available(self) -> bool:
        """The window is in the settings."""
        settings = _settings(self.coordinator.data)
        return super().available and settings.keys() >= {*WindowSetting}

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the clock, too."""
        await super().async_added_to_hass()
        self.async_on_remove(self._stop)
        self._follow()

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        if self.window != self._timed:
            self._follow()
        super()._handle_coordinator_update()

    @callback
    def _follow(self, now: datetime | None = None) -> None:
        """Be back the moment the window opens or closes."""
        self._stop()
        self._timed = self.window
        if self._timed and (at := self._timed.next_change(now or dt_util.utcnow())):
            self._cancel = async_track_point_in_utc_time(self.hass, self._change, at)

    @callback
    def _change(self, now: datetime) -> None:
        self._cancel = None
        self._follow(now)
        self.async_write_ha_state()

    @callback
    def _stop(self) -> None:
        if self._cancel:
            self._cancel()
            self._cancel = None


def _tasks_set_by(data: ButlerData, kind: SettingKind) -> Iterator[ButlerTask]:
    """Yield the tasks whose setting is of a kind, and should be."""
    for name, task in data.tasks.items():
        setting = _settings(data).get(setting_id_for_task(name))
        if setting and setting.kind is kind is setting_kind_for_task(name):
            yield task


def has_hours(data: ButlerData, *hours: WindowSetting) -> bool:
    """Return whether the server has these settings of the window."""
    settings = _settings(data)
    return all(
        hour in settings and settings[hour].kind is SettingKind.INT for hour in hours
    )


@callback
def async_add_setting_entities(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    find: Callable[[ButlerData], Creators],
) -> None:
    """Add the entities that the settings call for, now and later, and remove the rest."""
    coordinator = entry.runtime_data
    there: set[str] | None = None

    @callback
    def look() -> None:
        nonlocal there
        data = coordinator.data
        if not data.tasks or data.settings is None:
            return  # One answer that failed or was empty is no news.
        found = find(data)
        if {*found} == there:
            return
        _remove_others(hass, entry, platform, found)
        async_add_entities(
            create() for key, create in found.items() if key not in (there or ())
        )
        there = {*found}

    entry.async_on_unload(coordinator.async_add_listener(look))
    look()


@callback
def async_add_task_setting_entities(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    *,
    kind: SettingKind,
    key: str,
    create: Callable[[ButlerCoordinator, str, ButlerTask], Entity],
) -> None:
    """Add the entities of the tasks whose setting is of a kind, now and later."""
    async_add_setting_entities(
        hass,
        entry,
        platform,
        async_add_entities,
        lambda data: {
            f"{task.name}_{key}": partial(create, entry.runtime_data, key, task)
            for task in _tasks_set_by(data, kind)
        },
    )


@callback
def _remove_others(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    platform: Platform,
    found: Creators,
) -> None:
    """Remove the entities about settings that the server no longer has."""
    machine = server_identifier(entry.runtime_data.identity)[1]
    keep = {f"{machine}_{key}" for key in found}
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        about_settings = entity.domain == platform and entity.translation_key in _KEYS
        if about_settings and entity.unique_id not in keep:
            registry.async_remove(entity.entity_id)


def _settings(data: ButlerData) -> Mapping[str, Setting]:
    return data.settings or {}
