"""Events of Butler for Plex."""

from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .devices import async_task_sensor_id
from .entity import ButlerEntity
from .plex import Run

PARALLEL_UPDATES = 0

TASK_ACTIVITY = EventEntityDescription(
    key="task_activity",
    translation_key="task_activity",
    event_types=["started", "finished", "stopped"],
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event of a server."""
    async_add_entities([TaskActivityEvent(entry.runtime_data.butler, TASK_ACTIVITY)])


class TaskActivityEvent(ButlerEntity, EventEntity):
    """An event for every task that starts, finishes or is stopped.

    It stays available while the server is not: when its last state came back, it would
    look like a new event to automations that are triggered by its state.
    """

    @property
    @override
    def available(self) -> bool:
        """Return that the last event remains known."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the runs."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.runs.subscribe(self._handle_run))

    @callback
    def _handle_run(self, run: Run) -> None:
        self.async_set_context(
            self.coordinator.commands.contexts.get(run.name) or Context()
        )
        data: dict[str, Any] = {
            "task_name": run.name,
            "title": self.coordinator.data.title(run.name),
            ATTR_ENTITY_ID: async_task_sensor_id(
                self.hass, self.coordinator.identity, run.name
            ),
            "observed": run.observed,
        }
        if run.duration is not None:
            data["duration"] = run.duration
        self._trigger_event(_event_type(run), data)
        self.async_write_ha_state()


def _event_type(run: Run) -> str:
    if run.finished is None:
        return "started"
    return "stopped" if run.stopped else "finished"
