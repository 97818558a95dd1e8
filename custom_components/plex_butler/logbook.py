"""Entries of Butler for Plex in the activity log."""

from collections.abc import Callable
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN
from .coordinator import PlexButlerRuntimeData
from .devices import async_task_sensor_id
from .helpers import translate
from .history import RecordedRun

EVENT_RUN_ENDED = f"{DOMAIN}_run_ended"


@callback
def async_fire_run_events(
    hass: HomeAssistant, runtime_data: PlexButlerRuntimeData
) -> None:
    """Fire an event for every run that ends, which the activity log can describe.

    It is about the task's status sensor, so that it is listed with the task.
    """
    butler = runtime_data.butler

    @callback
    def fire(run: RecordedRun) -> None:
        if not run.finished:
            return
        data = {
            "task_name": run.name,
            "title": butler.data.title(run.name),
            "result": run.result,
            "duration": run.duration,
        }
        entity_id = async_task_sensor_id(hass, butler.identity, run.name)
        if entity_id and (entity := er.async_get(hass).async_get(entity_id)):
            data |= {ATTR_ENTITY_ID: entity_id, ATTR_DEVICE_ID: entity.device_id}
        hass.bus.async_fire(
            EVENT_RUN_ENDED, data, context=butler.commands.contexts.get(run.name)
        )

    runtime_data.history.subscribe(fire)


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Describe the events of Butler for Plex."""

    @callback
    def describe(event: Event) -> dict[str, Any]:
        data = event.data
        return {
            ATTR_NAME: data["title"],
            "message": describe_run(hass, data["result"], data["duration"]),
            ATTR_ENTITY_ID: data.get(ATTR_ENTITY_ID),
        }

    async_describe_event(DOMAIN, EVENT_RUN_ENDED, describe)


def describe_run(
    hass: HomeAssistant, result: str | None, duration: float | None
) -> str:
    """Return what became of a run, to follow the title of its task."""
    if result is None:
        return translate(hass, "run_running")
    if duration is None:
        return translate(hass, f"run_{result}")
    return translate(hass, f"run_{result}_after", duration=_duration(duration))


def _duration(seconds: float) -> str:
    """Return a duration in the two largest of its units."""
    if seconds < 1:  # No decimals: not every language has a decimal point.
        return "< 1 s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    counts = {"h": hours, "min": minutes, "s": 0 if hours else rest}
    return " ".join(f"{count} {unit}" for unit, count in counts.items() if count)
