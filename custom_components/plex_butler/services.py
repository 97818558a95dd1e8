"""Actions of Butler for Plex."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import voluptuous as vol

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
    valid_entity_id,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import (
    ButlerCoordinator,
    PlexButlerConfigEntry,
    PlexButlerRuntimeData,
)
from .history import MAX_AGE, RecordedRun
from .plex import WindowSetting
from .targets import (
    TargetedTask,
    async_find_targeted_tasks,
    find_task,
    not_a_task,
)

SERVICE_GET_BUTLER_TASKS = "get_butler_tasks"
SERVICE_GET_RUNS = "get_runs"
SERVICE_SET_MAINTENANCE_WINDOW = "set_maintenance_window"
SERVICE_START_ALL_TASKS = "start_all_tasks"
SERVICE_START_TASK = "start_task"
SERVICE_STOP_ALL_TASKS = "stop_all_tasks"
SERVICE_STOP_TASK = "stop_task"

ATTR_END = "end"
ATTR_LAST = "last"
ATTR_SINCE = "since"
ATTR_START = "start"
ATTR_TASKS = "tasks"
ATTR_TIMEOUT = "timeout"
ATTR_UNTIL = "until"
ATTR_WAIT_FOR_COMPLETION = "wait_for_completion"

SERVER_SCHEMA = vol.Schema({vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string})
HOUR = vol.All(vol.Coerce(float), vol.In(range(24)), vol.Coerce(int))
WINDOW_SCHEMA = SERVER_SCHEMA.extend(
    {vol.Required(ATTR_START): HOUR, vol.Required(ATTR_END): HOUR}
)
EARLIEST = datetime.min.replace(tzinfo=UTC)


def _as_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; without a zone, it is the time of Home Assistant."""
    try:
        return dt_util.as_utc(moment)
    except OverflowError as err:
        raise vol.Invalid("not a date of the calendar in UTC") from err


MOMENT = vol.All(cv.datetime, _as_utc)
RUNS_SCHEMA = vol.All(
    cv.has_at_most_one_key(ATTR_SINCE, ATTR_LAST),
    SERVER_SCHEMA.extend(
        {
            vol.Optional(ATTR_TASKS): vol.All(cv.ensure_list, [cv.string]),
            vol.Optional(ATTR_SINCE): MOMENT,
            vol.Optional(ATTR_LAST): cv.positive_time_period,
            vol.Optional(ATTR_UNTIL): MOMENT,
        }
    ),
)
START_SCHEMA = cv.make_entity_service_schema(
    {
        vol.Optional(ATTR_WAIT_FOR_COMPLETION, default=False): cv.boolean,
        vol.Optional(ATTR_TIMEOUT, default=timedelta(hours=1)): cv.positive_time_period,
    }
)
STOP_SCHEMA = cv.make_entity_service_schema(None)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    only, optional = SupportsResponse.ONLY, SupportsResponse.OPTIONAL
    for name, responder, schema, response in (
        (SERVICE_GET_BUTLER_TASKS, _get_butler_tasks, SERVER_SCHEMA, only),
        (SERVICE_GET_RUNS, _get_runs, RUNS_SCHEMA, only),
        (SERVICE_START_TASK, _start_task, START_SCHEMA, optional),
        (SERVICE_STOP_TASK, _stop_task, STOP_SCHEMA, optional),
    ):
        hass.services.async_register(DOMAIN, name, responder, schema, response)
    for name, handler, schema in (
        (SERVICE_START_ALL_TASKS, _start_all_tasks, SERVER_SCHEMA),
        (SERVICE_STOP_ALL_TASKS, _stop_all_tasks, SERVER_SCHEMA),
        (SERVICE_SET_MAINTENANCE_WINDOW, _set_maintenance_window, WINDOW_SCHEMA),
    ):
        hass.services.async_register(DOMAIN, name, handler, schema)


def _server(call: ServiceCall) -> PlexButlerRuntimeData:
    """Return the coordinators of the server that an action is for."""
    entry: PlexButlerConfigEntry = service.async_get_config_entry(
        call.hass, DOMAIN, call.data[ATTR_CONFIG_ENTRY_ID]
    )
    return entry.runtime_data


async def _get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return the tasks as the server lists them now."""
    server = _server(call)
    data = await server.butler.get_butler_tasks()
    return {
        "tasks": [
            {
                "name": name,
                "title": task.title,
                "description": task.description or "",
                "interval_days": task.interval,
                "schedule_randomized": task.schedule_randomized,
                "enabled": task.enabled,
                "status": data.status(name).value,
                **_last_run(server.history.last(name)),
            }
            for name, task in data.tasks.items()
        ]
    }


def _last_run(run: RecordedRun | None) -> dict[str, Any]:
    values = run.as_dict() if run else {}
    return {
        "last_run": values.get("finished"),
        "last_duration": values.get("duration"),
        "last_result": values.get("result"),
    }


async def _get_runs(call: ServiceCall) -> ServiceResponse:
    """Return the runs in a period, and how many and how long they were by task."""
    server = _server(call)
    until = call.data.get(ATTR_UNTIL, dt_util.utcnow())
    age = min(call.data.get(ATTR_LAST, MAX_AGE), MAX_AGE)
    since = call.data.get(ATTR_SINCE, max(until, EARLIEST + MAX_AGE) - age)
    names = {_task_name(call, task) for task in call.data.get(ATTR_TASKS, ())}
    by_task: dict[str, list[RecordedRun]] = {name: [] for name in sorted(names)}
    runs = server.history.between(since, until)
    runs = [run for run in runs if not names or run.name in names]
    for run in runs:
        by_task.setdefault(run.name, []).append(run)
    title = server.butler.data.title
    return {
        "runs": [{"title": title(run.name), **run.as_dict()} for run in runs],
        "tasks": [
            {"title": title(name), "name": name, **_summary(runs)}
            for name, runs in by_task.items()
        ],
    }


def _summary(runs: list[RecordedRun]) -> dict[str, Any]:
    durations = [run.duration for run in runs if run.duration is not None]
    return {
        "count": len(runs),
        "total_duration": round(sum(durations), 3),
        "median_duration": median(durations) if durations else None,
    }


def _task_name(call: ServiceCall, task: str) -> str:
    """Return the name of a task that is given by its name or its status sensor.

    Raises ServiceValidationError for what is neither.
    """
    server = _server(call)
    tasks = server.butler.data.tasks
    if task in tasks or server.history.last(task):
        return task
    if not valid_entity_id(task):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_task_name",
            translation_placeholders={
                "server": server.butler.name,
                "task": task,
                "tasks": ", ".join(tasks),
            },
        )
    found = find_task(call.hass, task)
    if found is None or found.entry.entry_id != call.data[ATTR_CONFIG_ENTRY_ID]:
        raise not_a_task(task)
    return found.name


async def _start_all_tasks(call: ServiceCall) -> None:
    """Start every enabled task that is due."""
    await _server(call).butler.commands.start_all_tasks()


async def _stop_all_tasks(call: ServiceCall) -> None:
    """Stop all running tasks and empty the queue."""
    await _server(call).butler.commands.stop_all_tasks(call.context)


async def _set_maintenance_window(call: ServiceCall) -> None:
    """Change both hours of the window in one request."""
    await _server(call).settings.write(
        {
            WindowSetting.START: call.data[ATTR_START],
            WindowSetting.END: call.data[ATTR_END],
        }
    )


async def _on_tasks(
    call: ServiceCall,
    act: Callable[[ButlerCoordinator, str], Awaitable[dict[str, Any]]],
) -> ServiceResponse:
    """Act on all targeted tasks at the same time; return a response for each.

    Raises the first error when all others have ended, as Home Assistant's own entity
    actions do.
    """

    async def act_on(task: TargetedTask) -> dict[str, Any]:
        return await act(task.butler, task.name)

    tasks = await async_find_targeted_tasks(call)
    results = await asyncio.gather(*map(act_on, tasks), return_exceptions=True)
    response: dict[str, Any] = {}
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        response[task.entity_id] = result
    return response


async def _start_task(call: ServiceCall) -> ServiceResponse:
    """Start tasks, and wait for their ends if requested."""

    async def start(butler: ButlerCoordinator, name: str) -> dict[str, Any]:
        if call.data[ATTR_WAIT_FOR_COMPLETION]:
            timeout: timedelta = call.data[ATTR_TIMEOUT]
            return await butler.commands.run_task(
                name, call.context, timeout.total_seconds()
            )
        result = await butler.commands.start_task(name, call.context)
        return {"result": result.value}

    return await _on_tasks(call, start)


async def _stop_task(call: ServiceCall) -> ServiceResponse:
    """Stop tasks."""

    async def stop(butler: ButlerCoordinator, name: str) -> dict[str, Any]:
        result = await butler.commands.stop_task(name, call.context)
        return {"result": result.value}

    return await _on_tasks(call, stop)
