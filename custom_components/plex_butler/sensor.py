"""Sensors of Butler for Plex."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    DOMAIN as SENSOR_DOMAIN,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerRuntimeData
from .entity import (
    ButlerEntity,
    ButlerTaskEntity,
    WindowEntity,
    async_add_listed_entities,
    has_hours,
)
from .history import RecordedRun
from .models import Aspect, ButlerData, TaskStatus, Topic
from .plex import ButlerTask, WindowSetting

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class ButlerSensorDescription(SensorEntityDescription):
    """Describe a sensor of a server."""

    topics: Collection[Topic] = (Aspect.TASKS, Aspect.RUNNING)
    value_fn: Callable[[ButlerData], float | None]
    attributes_fn: Callable[[ButlerData], dict[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class LastRunSensorDescription(SensorEntityDescription):
    """Describe a sensor of the last run of a task."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    run_fn: Callable[[RecordedRun], datetime | float | None]
    attributes_fn: Callable[[RecordedRun], dict[str, Any]] | None = None


def _running_tasks(data: ButlerData) -> int | None:
    """Return the number of tasks that run; None if it is not known which ones do."""
    maintenance = data.maintenance
    unknown = maintenance.unnamed or maintenance.active is None
    return None if unknown else len(maintenance.running)


def _running_titles(data: ButlerData) -> dict[str, Any]:
    return {"tasks": sorted(map(data.title, data.maintenance.running))}


SERVER_SENSORS = (
    ButlerSensorDescription(
        key="running_tasks",
        translation_key="running_tasks",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=_running_tasks,
        attributes_fn=_running_titles,
    ),
    ButlerSensorDescription(
        key="progress",
        translation_key="progress",
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        topics=(Aspect.PROGRESS,),
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
LAST_RUN_SENSORS = (
    LastRunSensorDescription(
        key="last_run",
        translation_key="last_run",
        device_class=SensorDeviceClass.TIMESTAMP,
        run_fn=lambda run: run.finished,
        attributes_fn=lambda run: {"result": run.result, "started": run.started},
    ),
    LastRunSensorDescription(
        key="last_duration",
        translation_key="last_duration",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        run_fn=lambda run: run.duration,
    ),
)
NEXT_WINDOW_START = SensorEntityDescription(
    key="next_window_start",
    translation_key="next_window_start",
    device_class=SensorDeviceClass.TIMESTAMP,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a server and its tasks."""
    _async_replace_former_sensors(hass, entry)
    butler, settings = entry.runtime_data.butler, entry.runtime_data.settings

    def create_task_sensors() -> Iterator[SensorEntity]:
        for task in butler.data.tasks.values():
            yield TaskSensor(butler, STATUS, task)
            for description in LAST_RUN_SENSORS:
                yield LastRunSensor(entry.runtime_data, description, task)

    def create_window_sensors() -> Iterator[SensorEntity]:
        if has_hours(settings, *WindowSetting):
            yield NextWindowStartSensor(settings, NEXT_WINDOW_START)

    async_add_entities(
        ButlerSensor(butler, description, topics=description.topics)
        for description in SERVER_SENSORS
    )
    await async_add_listed_entities(
        entry,
        butler,
        async_add_entities,
        [STATUS, *LAST_RUN_SENSORS],
        create_task_sensors,
    )
    await async_add_listed_entities(
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

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return more about the value."""
        attributes = self.entity_description.attributes_fn
        return attributes(self.coordinator.data) if attributes else None


class TaskSensor(ButlerTaskEntity, SensorEntity):
    """The status of a task, and the target of the actions on a task."""

    _unrecorded_attributes = frozenset({"description"})

    @override
    @callback
    def _handle_coordinator_update(self) -> None:
        """Attribute a change of the status to the request that led to it."""
        self.set_request_context()
        super()._handle_coordinator_update()

    @property
    @override
    def native_value(self) -> TaskStatus:
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
            "description": task.description or "",
        }


class LastRunSensor(ButlerTaskEntity, SensorEntity):
    """The end or the duration of the last run of a task."""

    entity_description: LastRunSensorDescription

    def __init__(
        self,
        runtime_data: PlexButlerRuntimeData,
        description: LastRunSensorDescription,
        task: ButlerTask,
    ) -> None:
        """Initialize the sensor."""
        super().__init__(runtime_data.butler, description, task)
        self._history = runtime_data.history

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the history, which changes after the coordinator's data."""
        await super().async_added_to_hass()
        self.async_on_remove(self._history.subscribe(self._handle_run))

    @callback
    def _handle_run(self, run: RecordedRun) -> None:
        """Update the state when a run of the task ended, or its last one is too old."""
        of_task = run.name == self.task_name
        if run.finished and (of_task or not self._history.last(self.task_name)):
            self.set_request_context()
            self.async_write_ha_state()

    @property
    @override
    def native_value(self) -> datetime | float | None:
        """Return the value; None if no run is known, or not this of it."""
        run = self._history.last(self.task_name)
        return self.entity_description.run_fn(run) if run else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return more about the run."""
        run = self._history.last(self.task_name)
        attributes = self.entity_description.attributes_fn
        return attributes(run) if run and attributes else None


class NextWindowStartSensor(WindowEntity, SensorEntity):
    """The moment when the maintenance window opens next."""

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the moment; None if the window is not known."""
        window = self.coordinator.window
        return window.next_start(dt_util.utcnow()) if window else None


@callback
def _async_replace_former_sensors(
    hass: HomeAssistant, entry: PlexButlerConfigEntry
) -> None:
    """Replace the sensors Last started and Last finished of version 0.1 by Last run.

    These were disabled by default. Only those that a user has changed live on.
    """
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.translation_key not in {"last_started", "last_finished"}:
            continue
        unique_id = entity.unique_id.replace("_last_finished", "_last_run")
        if (
            entity.translation_key == "last_started"
            or entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
            or registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, unique_id)
        ):
            registry.async_remove(entity.entity_id)
        else:
            registry.async_update_entity(entity.entity_id, new_unique_id=unique_id)
