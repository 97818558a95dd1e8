"""What all entities of Butler for Plex share."""

from collections.abc import Callable, Iterable
from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import ChildDeviceInfo, DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .devices import server_identifier, task_identifier
from .plex import ButlerTask


class ButlerEntity(CoordinatorEntity[ButlerCoordinator]):
    """An entity of a server."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: ButlerCoordinator, key: str) -> None:
        """Initialize an entity of the server's device."""
        super().__init__(coordinator)
        identifier = server_identifier(coordinator.identity)
        self._attr_unique_id = f"{identifier[1]}_{key}"
        self._attr_device_info = DeviceInfo(identifiers={identifier})


class ButlerTaskEntity(CoordinatorEntity[ButlerCoordinator]):
    """An entity of a task, which is a child device of its server."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: ButlerCoordinator, key: str, task: ButlerTask
    ) -> None:
        """Initialize an entity of the task's device."""
        super().__init__(coordinator)
        self.task_name = task.name
        identifier = task_identifier(coordinator.identity, task.name)
        self._attr_unique_id = f"{identifier[1]}_{key}"
        self._attr_device_info = ChildDeviceInfo(
            identifiers={identifier},
            name=task.title or task.name,
            parent_device_id=coordinator.device_id,
        )

    @property
    @override
    def available(self) -> bool:
        """A task the server does not list can be neither seen nor started."""
        return super().available and self.task_name in self.coordinator.data.tasks


@callback
def async_add_task_entities(
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    create: Callable[[ButlerTask], Iterable[Entity]],
) -> None:
    """Add the entities of every task there is, and of those that will come."""
    coordinator = entry.runtime_data
    known: set[str] = set()

    @callback
    def add_new() -> None:
        tasks = coordinator.data.tasks
        if not tasks:  # They are not gone: this is a server that is not ready yet.
            return
        known.intersection_update(tasks)
        async_add_entities(
            entity
            for name, task in tasks.items()
            if name not in known
            for entity in create(task)
        )
        known.update(tasks)

    entry.async_on_unload(coordinator.async_add_listener(add_new))
    add_new()
