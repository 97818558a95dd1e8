"""Actions: the five operations of the Butler, and moving its window."""

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
from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .plex import WindowSetting
from .sensor import TaskSensor

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
        "get_butler_tasks",
        _get_butler_tasks,
        SERVER_SCHEMA,
        SupportsResponse.ONLY,
    )
    hass.services.async_register(
        DOMAIN, "start_all_tasks", _start_all_tasks, SERVER_SCHEMA
    )
    hass.services.async_register(
        DOMAIN, "stop_all_tasks", _stop_all_tasks, SERVER_SCHEMA
    )
    hass.services.async_register(
        DOMAIN, "set_maintenance_window", _set_maintenance_window, WINDOW_SCHEMA
    )
    for name, func, schema in (
        ("start_task", _start_task, START_SCHEMA),
        ("stop_task", _stop_task, None),
    ):
        service.async_register_platform_entity_service(
            hass,
            DOMAIN,
            name,
            entity_domain=SENSOR_DOMAIN,
            func=func,
            schema=schema,
            supports_response=SupportsResponse.OPTIONAL,
        )


def _coordinator(call: ServiceCall) -> ButlerCoordinator:
    entry: PlexButlerConfigEntry = service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )
    return entry.runtime_data


async def _get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return the tasks as the server lists them now."""
    data = await _coordinator(call).get_butler_tasks()
    return {
        "tasks": [
            {
                "name": name,
                "title": task.title or task.name,
                "description": task.description or "",
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
    await _coordinator(call).start_all_tasks()


async def _stop_all_tasks(call: ServiceCall) -> None:
    """Stop what runs and empty the queue."""
    await _coordinator(call).stop_all_tasks()


async def _set_maintenance_window(call: ServiceCall) -> None:
    """Move both ends of the window at once."""
    await _coordinator(call).set_settings(
        {
            WindowSetting.START: call.data[ATTR_START],
            WindowSetting.END: call.data[ATTR_END],
        }
    )


async def _start_task(entity: Entity, call: ServiceCall) -> ServiceResponse:
    """Start a task, and see it through if that is wanted."""
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
    """Tell tasks from the server's own sensors.

    Those come along when an area or a device is the target; named one by one they are
    a mistake.
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
