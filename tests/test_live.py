"""What the stream adds: to know it the moment it happens."""

import asyncio
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNKNOWN
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)

from .conftest import Tick, settle
from .simulator import Fault, PlexSimulator, RunShape

BACKUP = "sensor.media_server_backup_database"
OPTIMIZE = "sensor.media_server_optimize_database"
MAINTENANCE = "binary_sensor.media_server_maintenance"
RUNNING_TASKS = "sensor.media_server_running_tasks"
PROGRESS = "sensor.media_server_progress"
ACTIVITY = "event.media_server_task_activity"
WEBSOCKET = "/:/websockets/notifications"


@pytest.fixture
async def live(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> MockConfigEntry:
    """The server's config entry, set up, with the stream connected and all read."""
    plex.websocket_refusal = None
    plex.inject(Fault.SLOW, WEBSOCKET)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await connect(hass, plex)
    return entry


async def connect(hass: HomeAssistant, plex: PlexSimulator) -> None:
    """Let the stream through that was held up, and what it leads to."""
    plex.requests.clear()
    plex.clear_faults()
    await plex.wait_for_request("GET", "/activities")
    await settle(hass)


def states(hass: HomeAssistant, *entity_ids: str) -> list[str]:
    return [hass.states.get(entity_id).state for entity_id in entity_ids]


async def until(hass: HomeAssistant, entity_id: str, state: str) -> None:
    """Wait for a state; what was sent before has been taken in by then, too."""
    reached = asyncio.Event()

    @callback
    def look(_event: object = None) -> None:
        if states(hass, entity_id) == [state]:
            reached.set()

    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, look)
    look()
    await reached.wait()
    stop()
    await hass.async_block_till_done()


async def caught_up(hass: HomeAssistant, plex: PlexSimulator, mark: int = 42) -> None:
    """Wait until all frames sent so far have been taken in."""
    plex.announce("started", parent(uuid="mark", progress=mark))
    await until(hass, PROGRESS, f"{mark}.0")
    plex.announce("ended", parent(uuid="mark", progress=mark))
    await until(hass, MAINTENANCE, "off")


def parent(**changes: Any) -> dict[str, Any]:
    return {
        "uuid": "parent",
        "type": "butler",
        "cancellable": False,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "",
        "progress": -1,
        **changes,
    }


@pytest.fixture
def activity(hass: HomeAssistant) -> list[dict[str, Any]]:
    """What the event entity tells, as it tells it."""
    told: list[dict[str, Any]] = []

    @callback
    def listen(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if event.data["entity_id"] == ACTIVITY and state.state != STATE_UNKNOWN:
            told.append({key: state.attributes.get(key) for key in TOLD})

    hass.bus.async_listen(EVENT_STATE_CHANGED, listen)
    return told


TOLD = ("event_type", "task_name", "title", "duration")


def started(name: str, title: str) -> dict[str, Any]:
    return dict(zip(TOLD, ("started", name, title, None), strict=True))


def finished(name: str, title: str, duration: float | None) -> dict[str, Any]:
    return dict(zip(TOLD, ("finished", name, title, duration), strict=True))


@pytest.mark.parametrize(
    "shape", [RunShape.SUBTITLE, RunShape.SUB_ACTIVITIES], ids=lambda shape: shape.name
)
async def test_run_started_by_the_server(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
    shape: RunShape,
) -> None:
    plex.requests.clear()
    plex.shape = shape
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["on", "1"]

    freezer.tick(90)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]
    assert activity == [
        started("OptimizeDatabase", "Optimize Database"),
        finished("OptimizeDatabase", "Optimize Database", 90.0),
    ]
    assert plex.requests == []  # it was told all that


async def test_task_too_short_for_any_poll(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
) -> None:
    plex.butler.start("BackupDatabase")
    await until(hass, BACKUP, "running")
    freezer.tick(0.05)
    plex.finish("BackupDatabase")
    await until(hass, BACKUP, "idle")
    assert activity == [
        started("BackupDatabase", "Backup Database"),
        finished("BackupDatabase", "Backup Database", 0.05),
    ]


async def test_button_for_a_task_that_is_over_before_the_answer(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """However the run shows, it is one run, and told of once."""
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=0)
    for plex.shape in RunShape:
        await press(hass, "backup_database_start")
        await tick(1)
        await caught_up(hass, plex)
        assert states(hass, BACKUP) == ["idle"]
        await tick(1)
    assert activity == 3 * [
        started("BackupDatabase", "Backup Database"),
        finished("BackupDatabase", "Backup Database", activity[1]["duration"]),
    ]


async def press(hass: HomeAssistant, button: str) -> None:
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": f"button.media_server_{button}"},
        blocking=True,
    )
