"""Conditions of Butler for Plex."""

from abc import abstractmethod
from datetime import timedelta
from typing import override

import voluptuous as vol

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import CONF_OPTIONS, CONF_TARGET, STATE_ON
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    ATTR_BEHAVIOR,
    BEHAVIOR_ALL,
    BEHAVIOR_ANY,
    Condition,
    ConditionConfig,
    EntityStateConditionBase,
)
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerRuntimeData
from .models import TaskStatus
from .targets import filter_entities, find_server

CONF_DURATION = "duration"


class ButlerCondition(EntityStateConditionBase):
    """Condition on the states of one kind of entity of this integration."""

    _translation_key: str

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Leave out the entities of other integrations and of other kinds."""
        entities = super().entity_filter(entities)
        return filter_entities(self._hass, entities, self._translation_key)


class TaskRunningCondition(ButlerCondition):
    """Test if tasks are running."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec()}
    _states = {TaskStatus.RUNNING, TaskStatus.STOPPING}
    _translation_key = "task"


class TaskDataCondition(ButlerCondition):
    """Condition on what is known of tasks beside their status."""

    _domain_specs = {SENSOR_DOMAIN: DomainSpec()}
    _states = {*TaskStatus}
    _translation_key = "task"

    @property
    @override
    def needs_polling(self) -> bool:
        """Return that the result changes without a change of state."""
        return True

    @override
    def is_valid_state(self, entity_state: State) -> bool:
        """Check if the condition is true of a task."""
        if not super().is_valid_state(entity_state):
            return False
        name: str = entity_state.attributes["task_name"]
        server = find_server(self._hass, entity_state.entity_id)
        return server is not None and self._is_true(server, name)

    @abstractmethod
    def _is_true(self, server: PlexButlerRuntimeData, name: str) -> bool:
        """Check if the condition is true of a listed task."""


class TaskEnabledCondition(TaskDataCondition):
    """Test if tasks are enabled. A disabled task can be running, too."""

    # The state may be one of the past, whose task was disabled then.
    _states = {*TaskStatus} - {TaskStatus.DISABLED}

    @override
    def _is_true(self, server: PlexButlerRuntimeData, name: str) -> bool:
        task = server.butler.data.tasks.get(name)
        return task is not None and task.enabled is True


class LastRunCondition(TaskDataCondition):
    """Test if the last run of tasks ended longer ago than a duration, or never."""

    _schema = vol.Schema(
        {
            vol.Required(CONF_TARGET): cv.TARGET_FIELDS,
            vol.Required(CONF_OPTIONS): {
                vol.Required(ATTR_BEHAVIOR, default=BEHAVIOR_ANY): vol.In(
                    [BEHAVIOR_ANY, BEHAVIOR_ALL]
                ),
                vol.Required(CONF_DURATION): cv.positive_time_period,
            },
        }
    )

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition."""
        super().__init__(hass, config)
        self._age: timedelta = (config.options or {})[CONF_DURATION]

    @override
    def _is_true(self, server: PlexButlerRuntimeData, name: str) -> bool:
        run = server.history.last(name)
        if run is None or run.finished is None:
            return True
        return dt_util.utcnow() - run.finished > self._age


def _binary_sensor_condition(translation_key: str) -> type[Condition]:
    """Return a condition that tests if a server's binary sensor is on."""

    class BinarySensorCondition(ButlerCondition):
        _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}
        _states = {STATE_ON}
        _translation_key = translation_key

    return BinarySensorCondition


CONDITIONS: dict[str, type[Condition]] = {
    "task_is_running": TaskRunningCondition,
    "task_is_enabled": TaskEnabledCondition,
    "last_run_is_older_than": LastRunCondition,
    "maintenance_is_running": _binary_sensor_condition("maintenance"),
    "window_is_open": _binary_sensor_condition("maintenance_window"),
}


async def async_get_conditions(_hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
