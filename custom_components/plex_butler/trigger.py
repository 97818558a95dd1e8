"""Triggers of Butler for Plex."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, State, callback
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import (
    EntityTransitionTriggerBase,
    Trigger,
    TriggerActionRunner,
    TriggerNotTriggeredReporter,
)
from homeassistant.util import dt as dt_util

from .models import ButlerData, TaskStatus
from .names import title_from_name
from .plex import Run
from .runs import RunResult
from .targets import filter_entities, find_server


class ButlerTrigger(EntityTransitionTriggerBase):
    """Trigger on state changes of one kind of entity of this integration.

    Changes from and to unavailable and unknown are ignored: neither an outage nor a
    reload or restart fires a trigger.
    """

    _translation_key: str

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Leave out the entities of other integrations and of other kinds."""
        entities = super().entity_filter(entities)
        return filter_entities(self._hass, entities, self._translation_key)


class TaskTrigger(ButlerTrigger):
    """Trigger on the status of tasks, with variables about the run."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec()}
    _translation_key = "task"
    _result: RunResult | None = None

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Attach the trigger to an action runner."""

        @callback
        def run_with_variables(
            extra_trigger_payload: dict[str, Any],
            description: str,
            context: Context | None = None,
        ) -> asyncio.Task[Any]:
            variables = self._variables(extra_trigger_payload["to_state"])
            return run_action(extra_trigger_payload | variables, description, context)

        return await super().async_attach_runner(run_with_variables, did_not_trigger)

    def _variables(self, state: State) -> dict[str, Any]:
        """Return the variables about the run that led to a state; None if unknown."""
        name: str = state.attributes["task_name"]
        server = find_server(self._hass, state.entity_id)
        data = server.butler.data if server else None
        run = _find_run(data, name, state) if data else Run(name=name, started=None)
        return {
            "task_name": name,
            "title": data.title(name) if data else title_from_name(name),
            "started": _local(run.started),
            "finished": _local(run.finished),
            "duration": run.duration,
            "result": self._result,
        }


def _find_run(data: ButlerData, name: str, state: State) -> Run:
    """Return the run that began or ended when the status of a task became a state.

    A short run has ended when its start is handled. A trigger that waits may fire when
    the next run has begun: nothing of that is returned.
    """
    unknown = Run(name=name, started=None)
    run = data.last_runs.get(name, unknown)
    moment = run.finished
    if state.state == TaskStatus.RUNNING:
        run = replace(data.current_runs.get(name, run), finished=None)
        moment = run.started
    return run if moment and moment <= state.last_changed else unknown


def _local(moment: datetime | None) -> datetime | None:
    return dt_util.as_local(moment) if moment else None


class TaskStartedTrigger(TaskTrigger):
    """Trigger when a task starts."""

    _from_states = {TaskStatus.DISABLED, TaskStatus.IDLE}
    _to_states = {TaskStatus.RUNNING}


class TaskFinishedTrigger(TaskTrigger):
    """Trigger when a task ends that was not asked to stop by Home Assistant."""

    _from_states = {TaskStatus.RUNNING}
    _to_states = {TaskStatus.DISABLED, TaskStatus.IDLE}
    _result = RunResult.FINISHED


class TaskStoppedTrigger(TaskTrigger):
    """Trigger when a task ends that was asked to stop by Home Assistant."""

    _from_states = {TaskStatus.STOPPING}
    _to_states = {TaskStatus.DISABLED, TaskStatus.IDLE}
    _result = RunResult.STOPPED


def _binary_sensor_trigger(
    translation_key: str, *, from_state: str, to_state: str
) -> type[Trigger]:
    """Return a trigger on a server's binary sensor that changes to one state."""

    class BinarySensorTrigger(ButlerTrigger):
        _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}
        _from_states = {from_state}
        _to_states = {to_state}
        _translation_key = translation_key

    return BinarySensorTrigger


_TURNED_ON = {"from_state": STATE_OFF, "to_state": STATE_ON}
_TURNED_OFF = {"from_state": STATE_ON, "to_state": STATE_OFF}

TRIGGERS: dict[str, type[Trigger]] = {
    "task_started": TaskStartedTrigger,
    "task_finished": TaskFinishedTrigger,
    "task_stopped": TaskStoppedTrigger,
    "maintenance_started": _binary_sensor_trigger("maintenance", **_TURNED_ON),
    "maintenance_finished": _binary_sensor_trigger("maintenance", **_TURNED_OFF),
    "window_opened": _binary_sensor_trigger("maintenance_window", **_TURNED_ON),
    "window_closed": _binary_sensor_trigger("maintenance_window", **_TURNED_OFF),
}


async def async_get_triggers(_hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
