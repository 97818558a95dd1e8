"""Events of Butler for Plex."""

from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .entity import ButlerEntity
from .plex import Run

PARALLEL_UPDATES = 0

TASK_ACTIVITY = EventEntityDescription(
    key="task_activity",
    translation_key="task_activity",
    event_types=["started", "finished"],
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event of a server."""
    async_add_entities([TaskActivityEvent(entry.runtime_data.butler, TASK_ACTIVITY)])


class TaskActivityEvent(ButlerEntity, EventEntity):
    """An event for every task that starts or finishes."""

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the runs."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.runs.subscribe(self._handle_run))

    @callback
    def _handle_run(self, run: Run) -> None:
        task = self.coordinator.data.tasks.get(run.name)
        data: dict[str, Any] = {
            "task_name": run.name,
            "title": task.title if task else run.name,
        }
        if run.duration is not None:
            data["duration"] = run.duration
        self._trigger_event("finished" if run.finished else "started", data)
        self.async_write_ha_state()
