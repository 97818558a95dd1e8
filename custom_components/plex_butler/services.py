"""Actions of Butler for Plex."""

from datetime import timedelta
from typing import TypeIs

import voluptuous as vol

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.typing import VolDictType

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerRuntimeData
from .plex import WindowSetting
from .sensor import TaskSensor

SERVICE_GET_BUTLER_TASKS = "get_butler_tasks"
SERVICE_SET_MAINTENANCE_WINDOW = "set_maintenance_window"
SERVICE_START_ALL_TASKS = "start_all_tasks"
SERVICE_START_TASK = "start_task"
SERVICE_STOP_ALL_TASKS = "stop_all_tasks"
SERVICE_STOP_TASK = "stop_task"

ATTR_END = "end"
ATTR_START = "start"
ATTR_TIMEOUT = "timeout"
ATTR_WAIT_FOR_COMPLETION = "wait_for_completion"

SERVER_SCHEMA = vol.Schema({vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string})
HOUR = vol.All(vol.Coerce(float), vol.In(range(24)), vol.Coerce(int))
WINDOW_SCHEMA = SERVER_SCHEMA.extend(
    {vol.Required(ATTR_START): HOUR, vol.Required(ATTR_END): HOUR}
)
START_SCHEMA: VolDictType = {
    vol.Optional(ATTR_WAIT_FOR_COMPLETION, default=False): cv.boolean,
    vol.Optional(ATTR_TIMEOUT, default=timedelta(hours=1)): cv.positive_time_period,
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_BUTLER_TASKS,
        _get_butler_tasks,
        SERVER_SCHEMA,
        SupportsResponse.ONLY,
    )
    for name, handler, schema in (
        (SERVICE_START_ALL_TASKS, _start_all_tasks, SERVER_SCHEMA),
        (SERVICE_STOP_ALL_TASKS, _stop_all_tasks, SERVER_SCHEMA),
        (SERVICE_SET_MAINTENANCE_WINDOW, _set_maintenance_window, WINDOW_SCHEMA),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema)
    for name, func, fields in (
        (SERVICE_START_TASK, _start_task, START_SCHEMA),
        (SERVICE_STOP_TASK, _stop_task, None),
    ):
        service.async_register_platform_entity_service(
            hass,
            DOMAIN,
            name,
            entity_domain=SENSOR_DOMAIN,
            func=func,
            schema=fields,
            supports_response=SupportsResponse.OPTIONAL,
        )


def _server(call: ServiceCall) -> PlexButlerRuntimeData:
    """Return the coordinators of the server that an action is for."""
    entry: PlexButlerConfigEntry = service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )
    return entry.runtime_data


async def _get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return the tasks as the server lists them now."""
    data = await _server(call).butler.get_butler_tasks()
    return {
        "tasks": [
            {
                "name": name,
                "title": task.title,
                "description": task.description,
                "interval_days": task.interval,
                "schedule_randomized": task.schedule_randomized,
                "enabled": task.enabled,
                "status": data.status(name),
            }
            for name, task in data.tasks.items()
        ]
    }


async def _start_all_tasks(call: ServiceCall) -> None:
    """Start every enabled task that is due."""
    await _server(call).butler.start_all_tasks()


async def _stop_all_tasks(call: ServiceCall) -> None:
    """Stop all running tasks and empty the queue."""
    await _server(call).butler.stop_all_tasks()


async def _set_maintenance_window(call: ServiceCall) -> None:
    """Change both hours of the window in one request."""
    await _server(call).settings.write(
        {
            WindowSetting.START: call.data[ATTR_START],
            WindowSetting.END: call.data[ATTR_END],
        }
    )


async def _start_task(entity: Entity, call: ServiceCall) -> ServiceResponse:
    """Start a task, and wait for its end if requested."""
    if not _is_task(entity, call):
        return None
    if call.data[ATTR_WAIT_FOR_COMPLETION]:
        return await entity.coordinator.run_task(
            entity.task_name, call.data[ATTR_TIMEOUT].total_seconds()
        )
    return {"result": await entity.coordinator.start_task(entity.task_name)}


async def _stop_task(entity: Entity, call: ServiceCall) -> ServiceResponse:
    """Stop a task."""
    if not _is_task(entity, call):
        return None
    return {"result": await entity.coordinator.stop_task(entity.task_name)}


def _is_task(entity: Entity, call: ServiceCall) -> TypeIs[TaskSensor]:
    """Return whether an entity is the sensor of a task.

    A target such as an area or a device may include the server's other sensors. Raises
    ServiceValidationError if one of these was targeted by its own id.
    """
    if isinstance(entity, TaskSensor):
        return True
    if entity.entity_id in call.data.get(ATTR_ENTITY_ID, ()):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_task",
            translation_placeholders={"entity_id": entity.entity_id},
        )
    return False
