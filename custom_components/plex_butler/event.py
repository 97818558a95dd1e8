"""Tells of every task that starts or finishes."""

from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .entity import ButlerEntity
from .plex import Run

PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event of a server."""
    async_add_entities([TaskActivityEvent(entry.runtime_data)])


class TaskActivityEvent(ButlerEntity, EventEntity):
    """A task started or finished, whoever started it."""

    _attr_translation_key = "task_activity"

    def __init__(self, coordinator: ButlerCoordinator) -> None:
        """Initialize the event."""
        super().__init__(coordinator, "task_activity")
        self._attr_event_types = ["started", "finished"]

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the runs."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_run_listener(self._tell))

    @callback
    def _tell(self, run: Run) -> None:
        task = self.coordinator.data.tasks.get(run.name)
        data: dict[str, Any] = {
            "task_name": run.name,
            "title": (task.title if task else None) or run.name,
        }
        if run.duration is not None:
            data["duration"] = run.duration
        self._trigger_event("finished" if run.finished else "started", data)
        self.async_write_ha_state()
