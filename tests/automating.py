"""What the tests of triggers and conditions share: tasks that run, and targets."""

from dataclasses import replace

from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)

from .common import OF_TASK, settle, until
from .simulator import PlexSimulator

BACKUP = f"sensor.{OF_TASK}backup_database"
OPTIMIZE = f"sensor.{OF_TASK}optimize_database"
MAINTENANCE = "binary_sensor.media_server_maintenance"
WINDOW = "binary_sensor.media_server_maintenance_window"
OTHER = "sensor.washing_machine"
OTHER_ATTRIBUTES = {"device_class": "enum", "task_name": "Wash"}
TARGETS = ["entity", "device", "server", "area", "label"]


def begin(plex: PlexSimulator, name: str) -> None:
    """Start a task on the server, which runs until a test ends it."""
    plex.tasks[name] = replace(plex.tasks[name], duration=None)
    plex.stop_delay = None
    plex.butler.start(name)


async def start(hass: HomeAssistant, plex: PlexSimulator, entity_id: str) -> None:
    """Start a task on the server, and wait until it is seen to run."""
    begin(plex, hass.states.get(entity_id).attributes["task_name"])
    await until(hass, entity_id, "running")
    await settle(hass)


async def finish(hass: HomeAssistant, plex: PlexSimulator, entity_id: str) -> None:
    """End a run on the server, and wait until it is seen to have ended."""
    plex.finish(hass.states.get(entity_id).attributes["task_name"])
    await until(hass, entity_id, "idle")
    await settle(hass)


def target(hass: HomeAssistant, kind: str) -> dict[str, str]:
    """Return a target with the task OptimizeDatabase, and what else there may be.

    That is somebody else's sensor, which looks the same and runs all the time.
    """
    entities = er.async_get(hass)
    area = ar.async_get(hass).async_create("Basement").id
    entities.async_get_or_create(
        "sensor",
        "laundry",
        "1",
        suggested_object_id="washing_machine",
        translation_key="task",
    )
    entities.async_update_entity(OTHER, area_id=area, labels={"nightly"})
    entities.async_update_entity(OPTIMIZE, labels={"nightly"})
    device = entities.async_get(OPTIMIZE).device_id
    dr.async_get(hass).async_update_child_device(device, area_id=area)
    hass.states.async_set(OTHER, "running", OTHER_ATTRIBUTES)
    return {
        "entity": {"entity_id": OPTIMIZE},
        "device": {"device_id": device},
        "server": {"device_id": entities.async_get(MAINTENANCE).device_id},
        "area": {"area_id": area},
        "label": {"label_id": "nightly"},
    }[kind]
