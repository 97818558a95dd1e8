"""What every task is doing, and how many run."""

from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry, TaskStatus
from .entity import ButlerEntity, ButlerTaskEntity, async_add_task_entities
from .plex import ButlerTask

PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a server."""
    coordinator = entry.runtime_data
    async_add_entities([RunningTasksSensor(coordinator)])
    async_add_task_entities(
        entry, async_add_entities, lambda task: [TaskSensor(coordinator, task)]
    )


class TaskSensor(ButlerTaskEntity, SensorEntity):
    """The status of a task, and what actions on a task are aimed at."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_name = None
    _attr_translation_key = "task"
    _unrecorded_attributes = frozenset({"description"})

    def __init__(self, coordinator: ButlerCoordinator, task: ButlerTask) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, "status", task)
        self._attr_options = list(TaskStatus)

    @property
    @override
    def native_value(self) -> TaskStatus | None:
        """Return what the task is doing."""
        return self.coordinator.data.status(self.task_name)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what the server says of the task."""
        task = self.coordinator.data.tasks[self.task_name]
        return {
            "task_name": task.name,
            "interval_days": task.interval,
            "schedule_randomized": task.schedule_randomized,
            "description": task.description,
        }


class RunningTasksSensor(ButlerEntity, SensorEntity):
    """The number of tasks that run."""

    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_translation_key = "running_tasks"

    def __init__(self, coordinator: ButlerCoordinator) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, "running_tasks")

    @property
    @override
    def native_value(self) -> int | None:
        """Return the number; unknown while the Butler works without saying on what."""
        maintenance = self.coordinator.data.maintenance
        if maintenance.active and not maintenance.running:
            return None
        return len(maintenance.running)
