"""The activity log: what it says of runs that have ended."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.plex_butler.logbook import describe_run
from custom_components.plex_butler.models import TaskStatus
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import OF_TASK, OPTIMIZE, Tick, press
from .simulator import PlexSimulator

RUN_ENDED = "plex_butler_run_ended"


@pytest.fixture
def mock_recorder_before_hass(
    request: pytest.FixtureRequest, async_test_recorder: Any
) -> None:
    """Let the recorder be prepared before Home Assistant."""


@pytest.mark.usefixtures("recorder_mock")
async def test_activity_of_a_task(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    hass_ws_client: WebSocketGenerator,
    entity_registry: er.EntityRegistry,
) -> None:
    """Of the lines on the page of its device, one says all of the run."""
    hass.config.components.add("frontend")  # Which is not installed
    assert await async_setup_component(hass, "logbook", {})
    user = MockUser(is_owner=True).add_to_hass(hass)
    begun = dt_util.utcnow()
    await tick(1)
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": f"button.{OF_TASK}optimize_database_start"},
        blocking=True,
        context=Context(user_id=user.id),
    )
    await tick(60)
    plex.finish("OptimizeDatabase")
    await tick(10)
    await tick(1)
    await async_wait_recording_done(hass)

    device_id = entity_registry.async_get(OPTIMIZE).device_id
    entities = er.async_entries_for_device(entity_registry, device_id)
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "logbook/get_events",
            "start_time": begun.isoformat(),
            "entity_ids": [entity.entity_id for entity in entities],
            "device_ids": [device_id],
        }
    )
    lines = (await client.receive_json())["result"]
    (line,) = (line for line in lines if "message" in line)
    assert (line["name"], line["message"]) == (
        "Optimize Database",
        "finished after 1 min 10 s",
    )
    assert (line["entity_id"], line["domain"]) == (OPTIMIZE, "plex_butler")
    assert line["context_user_id"] == user.id
    # What Home Assistant adds by itself, and an integration cannot leave out
    states = [line["state"] for line in lines if "state" in line]
    assert [state for state in states if state in TaskStatus] == ["running", "idle"]


async def test_event_of_a_run(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
) -> None:
    """There is none when it begins, and the next one is nobody's."""
    events = async_capture_events(hass, RUN_ENDED)
    await press(hass, "optimize_database_start")
    await tick(60)
    assert events == []
    started_by = hass.states.get(OPTIMIZE).context
    plex.finish("OptimizeDatabase")
    await tick(10)
    (event,) = events
    assert event.data == {
        "task_name": "OptimizeDatabase",
        "title": "Optimize Database",
        "result": "finished",
        "duration": 70.0,
        "entity_id": OPTIMIZE,
        "device_id": entity_registry.async_get(OPTIMIZE).device_id,
    }
    assert event.context.id == started_by.id

    plex.butler.start("OptimizeDatabase")
    await tick(60)
    plex.finish("OptimizeDatabase")
    await tick(10)
    assert len(events) == 2
    assert events[1].context.id != started_by.id


async def test_event_of_a_task_that_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, RUN_ENDED)
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    del plex.tasks["OptimizeDatabase"]
    await tick(10)
    await tick(60)
    (event,) = events
    assert event.data["title"] == "Optimize database"
    assert "entity_id" not in event.data


async def test_no_event_after_unloading(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A run that ended meanwhile is recorded, but nothing was seen to happen."""
    events = async_capture_events(hass, RUN_ENDED)
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.finish("OptimizeDatabase")
    await hass.config_entries.async_setup(loaded.entry_id)
    await tick(60)
    last = loaded.runtime_data.history.last("OptimizeDatabase")
    assert last.result == "unknown"
    assert events == []


@pytest.mark.parametrize(
    ("result", "duration", "text"),
    [
        (None, None, "is running"),
        ("finished", None, "finished"),
        ("stopped", None, "was stopped"),
        ("stopped", 42, "was stopped after 42 s"),
        ("unknown", None, "is no longer running. Its end was not seen"),
        ("finished", 0, "finished after < 1 s"),
        ("finished", 0.11, "finished after < 1 s"),
        ("finished", 1.4, "finished after 1 s"),
        ("finished", 10.4, "finished after 10 s"),
        ("finished", 59.6, "finished after 1 min"),
        ("finished", 3599, "finished after 59 min 59 s"),
        ("finished", 3661, "finished after 1 h 1 min"),
        ("finished", 90000, "finished after 25 h"),
    ],
)
@pytest.mark.usefixtures("loaded")
async def test_texts(
    hass: HomeAssistant, result: str | None, duration: float | None, text: str
) -> None:
    assert describe_run(hass, result, duration) == text
