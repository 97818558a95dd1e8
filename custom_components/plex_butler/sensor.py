"""What every task is doing and did, how many run, how far they are, and when they may."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerEntity, ButlerTaskEntity, async_add_task_entities
from .models import ButlerData, TaskStatus
from .plex import ButlerTask, WindowSetting
from .setting_entity import (
    NEXT_WINDOW_START,
    WindowEntity,
    async_add_setting_entities,
    has_hours,
)

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class MomentSensorDescription(SensorEntityDescription):
    """Describes a sensor of the moment when something was last seen of a task."""

    moments_fn: Callable[[ButlerData], Mapping[str, datetime]]


MOMENT_SENSORS = (
    MomentSensorDescription(
        key="last_started",
        translation_key="last_started",
        moments_fn=lambda data: data.last_started,
    ),
    MomentSensorDescription(
        key="last_finished",
        translation_key="last_finished",
        moments_fn=lambda data: data.last_finished,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a server."""
    coordinator = entry.runtime_data
    async_add_entities([RunningTasksSensor(coordinator), ProgressSensor(coordinator)])
    async_add_task_entities(
        entry,
        async_add_entities,
        lambda task: [
            TaskSensor(coordinator, task),
            *(
                MomentSensor(coordinator, description, task)
                for description in MOMENT_SENSORS
            ),
        ],
    )
    create = partial(NextWindowStartSensor, coordinator, NEXT_WINDOW_START)
    async_add_setting_entities(
        hass,
        entry,
        Platform.SENSOR,
        async_add_entities,
        lambda data: (
            {NEXT_WINDOW_START: create} if has_hours(data, *WindowSetting) else {}
        ),
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
            "description": task.description or "",
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


class ProgressSensor(ButlerEntity, SensorEntity):
    """How far the Butler has come, by its own account, which also goes back."""

    _attr_native_unit_of_measurement = PERCENTAGE
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_suggested_display_precision = 0
    _attr_translation_key = "progress"

    def __init__(self, coordinator: ButlerCoordinator) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, "progress")

    @property
    @override
    def native_value(self) -> float | None:
        """Return per cent; unknown when nothing runs or the server does not know."""
        return self.coordinator.data.maintenance.progress


class NextWindowStartSensor(WindowEntity, SensorEntity):
    """When the maintenance window opens next."""

    _attr_device_class = SensorDeviceClass.TIMESTAMP

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the moment; None when the window is not known."""
        window = self.window
        return window.next_start(dt_util.utcnow()) if window else None


class MomentSensor(ButlerTaskEntity, RestoreSensor):
    """When something was last seen of a task; unknown until it is seen once."""

    entity_description: MomentSensorDescription
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False

    def __init__(
        self,
        coordinator: ButlerCoordinator,
        description: MomentSensorDescription,
        task: ButlerTask,
    ) -> None:
        """Initialize the sensor."""
        super().__init__(coordinator, description.key, task)
        self.entity_description = description
        self._restored: datetime | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Recall what was seen before a restart, which Plex cannot tell."""
        await super().async_added_to_hass()
        last = await self.async_get_last_sensor_data()
        if last and isinstance(last.native_value, datetime):
            self._restored = last.native_value

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the moment."""
        moments = self.entity_description.moments_fn(self.coordinator.data)
        return moments.get(self.task_name, self._restored)
