"""Base entities of Butler for Plex, and adding and removing those the server lists."""

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from datetime import datetime
from typing import override

from homeassistant.core import CALLBACK_TYPE, Context, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_current_platform,
)
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.util import dt as dt_util

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .devices import server_identifier, task_identifier
from .models import Aspect, Topic
from .plex import (
    ButlerTask,
    Setting,
    SettingKind,
    SettingValue,
    WindowSetting,
    setting_id_for_task,
    setting_kind_for_task,
)
from .settings import ButlerSettingsCoordinator


class ButlerEntity[
    CoordinatorT: ButlerCoordinator | ButlerSettingsCoordinator = ButlerCoordinator
](CoordinatorEntity[CoordinatorT]):
    """An entity of a server, or of a task, which is a child device of its server."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: CoordinatorT,
        description: EntityDescription,
        task: ButlerTask | None = None,
        topics: Collection[Topic] = (Aspect.TASKS, Aspect.RUNNING),
    ) -> None:
        """Initialize the entity.

        The state of a task's entity is updated when the task changes, that of any other
        when one of the topics does; all are when the availability does. Settings have no
        topics.
        """
        super().__init__(coordinator, (task.name,) if task else topics)
        self.entity_description = description
        self._task = task
        self._butler = _butler(coordinator)
        self._attr_unique_id = f"{self._identifier[1]}_{description.key}"

    @property
    def _identifier(self) -> tuple[str, str]:
        """The identifier of the device."""
        identity = self._butler.identity
        if self._task:
            return task_identifier(identity, self._task.name)
        return server_identifier(identity)

    @property
    @override
    def device_info(self) -> DeviceInfo | ChildDeviceInfo:
        """Return the device; kept by no entity, as it is needed once."""
        identifiers = {self._identifier}
        if not self._task:
            return DeviceInfo(identifiers=identifiers)
        return ChildDeviceInfo(
            identifiers=identifiers,
            name=self._butler.data.title(self._task.name),
            parent_device_id=self._butler.device_id,
        )

    @property
    @override
    def available(self) -> bool:
        """Return whether the last poll succeeded and listed the task, if it has one."""
        listed = not self._task or self._task.name in self._butler.data.tasks
        return super().available and self._butler.last_update_success and listed


class ButlerTaskEntity(ButlerEntity):
    """An entity of a task."""

    def __init__(
        self,
        coordinator: ButlerCoordinator,
        description: EntityDescription,
        task: ButlerTask,
    ) -> None:
        """Initialize the entity."""
        super().__init__(coordinator, description, task)
        self.task_name = task.name

    @callback
    def set_request_context(self) -> None:
        """Attribute the next state to the last request about the task, if any."""
        context = self.coordinator.commands.contexts.get(self.task_name)
        self.async_set_context(context or Context())


class SettingEntity(ButlerEntity[ButlerSettingsCoordinator]):
    """An entity that shows and changes a setting."""

    def __init__(
        self,
        coordinator: ButlerSettingsCoordinator,
        description: EntityDescription,
        setting_id: str,
        task: ButlerTask | None = None,
    ) -> None:
        """Initialize the entity."""
        super().__init__(coordinator, description, task)
        self.setting_id = setting_id

    @property
    def setting(self) -> Setting | None:
        """Return the setting; None while it is not known."""
        return (self.coordinator.data or {}).get(self.setting_id)

    @property
    def setting_value(self) -> SettingValue | None:
        """Return the value of the setting; None if the server does not report it."""
        return self.setting.value if self.setting else None

    @property
    @override
    def available(self) -> bool:
        """Return whether the server lists the setting."""
        return super().available and self.setting is not None

    async def async_write_setting(self, value: SettingValue) -> None:
        """Change the setting on the server."""
        await self.coordinator.write({self.setting_id: value})


class WindowEntity(ButlerEntity[ButlerSettingsCoordinator]):
    """An entity that changes when the maintenance window opens or closes."""

    _cancel_timer: CALLBACK_TYPE | None = None

    @property
    @override
    def available(self) -> bool:
        """Return whether the server lists the settings of the window."""
        settings = self.coordinator.data or {}
        return super().available and settings.keys() >= {*WindowSetting}

    @override
    async def async_added_to_hass(self) -> None:
        """Schedule the first change."""
        await super().async_added_to_hass()
        self.async_on_remove(self._cancel_change)
        self._schedule_change()

    @override
    @callback
    def _handle_coordinator_update(self, _now: datetime | None = None) -> None:
        self._schedule_change()
        super()._handle_coordinator_update()

    @callback
    def _schedule_change(self) -> None:
        """Update the state at the moment the window opens or closes next."""
        self._cancel_change()
        window = self.coordinator.window
        if window and (moment := window.next_change(dt_util.utcnow())):
            self._cancel_timer = async_track_point_in_utc_time(
                self.hass, self._handle_coordinator_update, moment
            )

    @callback
    def _cancel_change(self) -> None:
        if self._cancel_timer:
            self._cancel_timer()


def task_settings(
    coordinator: ButlerSettingsCoordinator, kind: SettingKind
) -> Iterator[tuple[str, ButlerTask]]:
    """Yield the listed tasks that have a setting of a kind, with the setting's id."""
    settings = coordinator.data or {}
    for name, task in coordinator.butler.data.tasks.items():
        setting = settings.get(setting_id_for_task(name))
        if setting and setting.kind is kind is setting_kind_for_task(name):
            yield setting.id, task


def has_hours(coordinator: ButlerSettingsCoordinator, *hours: WindowSetting) -> bool:
    """Return whether the server lists hours of the maintenance window."""
    settings = coordinator.data or {}
    return all(
        hour in settings and settings[hour].kind is SettingKind.INT for hour in hours
    )


async def async_add_listed_entities(
    entry: PlexButlerConfigEntry,
    coordinator: ButlerCoordinator | ButlerSettingsCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    descriptions: Iterable[EntityDescription],
    create: Callable[[], Iterable[Entity]],
) -> None:
    """Add the entities of what the server lists, now and later, and remove all others.

    At setup, when there are many, others use the event loop after each of them.
    `create` returns the entities, with these descriptions, of what is listed at the
    moment. It is called whenever that changed, but not after a failed or empty answer.
    """
    platform = async_get_current_platform().domain
    registry = er.async_get(coordinator.hass)
    translation_keys = {description.translation_key for description in descriptions}
    listed: Collection[Hashable] = ()
    added: dict[str | None, Entity] = {}

    def find_new() -> list[Entity]:
        """Remove what is not listed any more, and return what was not before."""
        nonlocal listed, added
        if not (now_listed := _listed(coordinator)) or now_listed == listed:
            return []
        listed = now_listed
        entities = {entity.unique_id: entity for entity in create()}
        for known in er.async_entries_for_config_entry(registry, entry.entry_id):
            if (
                known.domain == platform
                and known.translation_key in translation_keys
                and known.unique_id not in entities
            ):
                registry.async_remove(known.entity_id)
        before = added
        added = {key: before.get(key, entity) for key, entity in entities.items()}
        return [entity for key, entity in added.items() if key not in before]

    @callback
    def update() -> None:
        if new := find_new():
            async_add_entities(new)

    first = find_new()
    entry.async_on_unload(coordinator.async_add_listener(update, (Aspect.TASKS,)))
    for entity in first:
        # It may have gone while others used the event loop.
        if added.get(entity.unique_id) is entity:
            async_add_entities([entity])
            await asyncio.sleep(0)


def _butler(
    coordinator: ButlerCoordinator | ButlerSettingsCoordinator,
) -> ButlerCoordinator:
    if isinstance(coordinator, ButlerCoordinator):
        return coordinator
    return coordinator.butler


def _listed(
    coordinator: ButlerCoordinator | ButlerSettingsCoordinator,
) -> set[Hashable]:
    """Return what the server lists; nothing after a failed or empty answer."""
    tasks: set[Hashable] = {*_butler(coordinator).data.tasks}
    if isinstance(coordinator, ButlerCoordinator) or not tasks:
        return tasks
    if coordinator.data is None:
        return set()
    return tasks | {(setting.id, setting.kind) for setting in coordinator.data.values()}
