"""Sensors of Butler for Plex."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerConfigEntry
from .entity import (
    ButlerEntity,
    ButlerTaskEntity,
    WindowEntity,
    async_add_listed_entities,
    has_hours,
)
from .models import ButlerData, TaskStatus
from .plex import WindowSetting

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class ButlerSensorDescription(SensorEntityDescription):
    """Describe a sensor of a server."""

    value_fn: Callable[[ButlerData], float | None]


@dataclass(frozen=True, kw_only=True)
class MomentSensorDescription(SensorEntityDescription):
    """Describe a sensor of when something last happened to a task."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.TIMESTAMP
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    entity_registry_enabled_default: bool = False
    moments_fn: Callable[[ButlerData], Mapping[str, datetime]]


def _running_tasks(data: ButlerData) -> int | None:
    """Return the number of tasks that run; None if it is not known which ones do."""
    running = len(data.maintenance.running)
    return None if data.maintenance.active and not running else running


SERVER_SENSORS = (
    ButlerSensorDescription(
        key="running_tasks",
        translation_key="running_tasks",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=_running_tasks,
    ),
    ButlerSensorDescription(
        key="progress",
        translation_key="progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda data: data.maintenance.progress,
    ),
)
STATUS = SensorEntityDescription(
    key="status",
    translation_key="task",
    device_class=SensorDeviceClass.ENUM,
    name=None,
    options=list(TaskStatus),
)
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
NEXT_WINDOW_START = SensorEntityDescription(
    key="next_window_start",
    translation_key="next_window_start",
    device_class=SensorDeviceClass.TIMESTAMP,
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a server and its tasks."""
    butler, settings = entry.runtime_data.butler, entry.runtime_data.settings

    def create_task_sensors() -> Iterator[SensorEntity]:
        for task in butler.data.tasks.values():
            yield TaskSensor(butler, STATUS, task)
            for description in MOMENT_SENSORS:
                yield MomentSensor(butler, description, task)

    def create_window_sensors() -> Iterator[SensorEntity]:
        if has_hours(settings, *WindowSetting):
            yield NextWindowStartSensor(settings, NEXT_WINDOW_START)

    async_add_entities(
        ButlerSensor(butler, description) for description in SERVER_SENSORS
    )
    async_add_listed_entities(
        entry,
        butler,
        async_add_entities,
        [STATUS, *MOMENT_SENSORS],
        create_task_sensors,
    )
    async_add_listed_entities(
        entry, settings, async_add_entities, [NEXT_WINDOW_START], create_window_sensors
    )


class ButlerSensor(ButlerEntity, SensorEntity):
    """A sensor of a server."""

    entity_description: ButlerSensorDescription

    @property
    @override
    def native_value(self) -> float | None:
        """Return the value; None if it is not known."""
        return self.entity_description.value_fn(self.coordinator.data)


class TaskSensor(ButlerTaskEntity, SensorEntity):
    """The status of a task, and the target of the actions on a task."""

    _unrecorded_attributes = frozenset({"description"})

    @property
    @override
    def native_value(self) -> TaskStatus | None:
        """Return the status of the task."""
        return self.coordinator.data.status(self.task_name)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what the server reports of the task."""
        task = self.coordinator.data.tasks[self.task_name]
        return {
            "task_name": task.name,
            "interval_days": task.interval,
            "schedule_randomized": task.schedule_randomized,
            "description": task.description,
        }


class MomentSensor(ButlerTaskEntity, RestoreSensor):
    """The moment when something last happened to a task, kept over a restart."""

    entity_description: MomentSensorDescription
    _restored: datetime | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the moment, which Plex does not report."""
        await super().async_added_to_hass()
        last = await self.async_get_last_sensor_data()
        if last and isinstance(last.native_value, datetime):
            self._restored = last.native_value

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the moment; None until it was seen once."""
        moments = self.entity_description.moments_fn(self.coordinator.data)
        return moments.get(self.task_name, self._restored)


class NextWindowStartSensor(WindowEntity, SensorEntity):
    """The moment when the maintenance window opens next."""

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the moment; None if the window is not known."""
        window = self.coordinator.window
        return window.next_start(dt_util.utcnow()) if window else None
