"""Automations that go on only under a condition about tasks or their server."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .automating import (
    BACKUP,
    MAINTENANCE,
    OPTIMIZE,
    TARGETS,
    begin,
    finish,
    start,
    target,
)
from .common import RUNNING_TASKS, Tick, disable, press, settle, states
from .simulator import PlexSimulator

TASK = ["task_is_running", "task_is_enabled", "last_run_is_older_than"]
SERVER = ["maintenance_is_running", "window_is_open"]

type Passes = Callable[[], Awaitable[bool]]


@pytest.fixture
def mock_recorder_before_hass(
    request: pytest.FixtureRequest, async_test_recorder: Any
) -> None:
    """Let the recorder be prepared before Home Assistant."""


async def automate(
    hass: HomeAssistant, condition: str, target: Any, **options: Any
) -> Passes:
    """Set up an automation; return what tells whether its condition passes."""
    calls = async_mock_service(hass, "test", "action")
    config = {
        "alias": "tested",
        "triggers": {"trigger": "event", "event_type": "test"},
        "conditions": {
            "condition": f"plex_butler.{condition}",
            "target": target if isinstance(target, dict) else {"entity_id": target},
            "options": options,
        },
        "actions": {"action": "test.action"},
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    assert states(hass, "automation.tested") == [STATE_ON]

    async def passes() -> bool:
        calls.clear()
        hass.bus.async_fire("test")
        await hass.async_block_till_done()
        return bool(calls)

    return passes


@pytest.mark.parametrize("kind", TARGETS)
async def test_targets(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, kind: str
) -> None:
    """Of a target, the tasks are taken, and no other entity, whoever it is of."""
    passes = await automate(hass, "task_is_running", target(hass, kind))
    assert not await passes()
    await start(hass, plex, BACKUP)
    assert await passes() is (kind == "server")
    await start(hass, plex, OPTIMIZE)
    assert await passes()


async def test_targets_in_the_editor(
    hass: HomeAssistant,
    live: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The editor offers the conditions of a task at its device, all at the server."""
    assert await async_setup_component(hass, "automation", {})
    client = await hass_ws_client(hass)
    for entity_id, expected in ((OPTIMIZE, TASK), (MAINTENANCE, TASK + SERVER)):
        device = entity_registry.async_get(entity_id).device_id
        await client.send_json_auto_id(
            {"type": "get_conditions_for_target", "target": {"device_id": [device]}}
        )
        offered = (await client.receive_json())["result"]
        ours = {one for one in offered if one.startswith("plex_butler.")}
        assert ours == {f"plex_butler.{one}" for one in expected}


async def test_task_is_running(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """A task that is being stopped still runs."""
    passes = await automate(hass, "task_is_running", OPTIMIZE)
    assert not await passes()
    await start(hass, plex, OPTIMIZE)
    assert await passes()
    await press(hass, "optimize_database_stop")
    await settle(hass)
    assert states(hass, OPTIMIZE) == ["stopping"]
    assert await passes()
    await finish(hass, plex, OPTIMIZE)
    assert not await passes()


async def test_behavior_all(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    passes = await automate(hass, "task_is_running", [BACKUP, OPTIMIZE], behavior="all")
    await start(hass, plex, BACKUP)
    assert not await passes()
    await start(hass, plex, OPTIMIZE)
    assert await passes()


async def test_for(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """That a task is being stopped does not start the time anew."""
    passes = await automate(
        hass, "task_is_running", OPTIMIZE, **{"for": {"minutes": 10}}
    )
    await start(hass, plex, OPTIMIZE)
    await tick(300)
    await press(hass, "optimize_database_stop")
    await tick(299)
    assert not await passes()
    await tick(1)
    assert await passes()


async def test_task_is_enabled(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A task is enabled or not, whether it runs or not."""
    passes = await automate(hass, "task_is_enabled", OPTIMIZE)
    assert await passes()
    begin(plex, "OptimizeDatabase")
    await tick(60)
    assert await passes()
    plex.tasks["OptimizeDatabase"] = replace(
        plex.tasks["OptimizeDatabase"], enabled=False
    )
    await tick(60)
    assert states(hass, OPTIMIZE) == ["running"]
    assert not await passes()
    plex.finish("OptimizeDatabase")
    await tick(60)
    assert states(hass, OPTIMIZE) == ["disabled"]
    assert not await passes()


@pytest.mark.usefixtures("recorder_mock")
async def test_task_is_enabled_for(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    """The recorder knows when that began, if the automation is younger."""
    task = plex.tasks["OptimizeDatabase"]
    disable(plex, "OptimizeDatabase")
    await hass.config_entries.async_setup(entry.entry_id)
    await tick(3600)
    assert states(hass, OPTIMIZE) == ["disabled"]
    plex.tasks["OptimizeDatabase"] = task
    await tick(60)
    assert states(hass, OPTIMIZE) == ["idle"]
    await tick(300)
    await async_wait_recording_done(hass)

    passes = await automate(
        hass, "task_is_enabled", OPTIMIZE, **{"for": {"minutes": 10}}
    )
    await tick(299)
    assert not await passes()
    await tick(1)
    assert await passes()


async def test_task_that_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """It is asked about by what acts on another state, before its own is written."""
    calls = async_mock_service(hass, "test", "action")
    enabled = {
        "condition": "plex_butler.task_is_enabled",
        "target": {"entity_id": BACKUP},
    }
    config = {
        "triggers": {"trigger": "state", "entity_id": RUNNING_TASKS},
        "conditions": {"condition": "not", "conditions": [enabled]},
        "actions": {"action": "test.action"},
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    begin(plex, "OptimizeDatabase")
    del plex.tasks["BackupDatabase"]
    await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": loaded.entry_id},
        blocking=True,
        return_response=True,
    )
    await hass.async_block_till_done()
    assert len(calls) == 1


async def test_last_run_is_older_than(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A task that was never seen to run is due, and so is one long after its run."""
    passes = await automate(
        hass, "last_run_is_older_than", OPTIMIZE, duration={"days": 3}
    )
    assert await passes()
    await start(hass, plex, OPTIMIZE)
    await finish(hass, plex, OPTIMIZE)
    assert not await passes()
    await tick(3 * 86400)
    assert not await passes()
    await tick(1)
    assert await passes()


async def test_last_runs_of_all_are_older_than(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    passes = await automate(
        hass,
        "last_run_is_older_than",
        [BACKUP, OPTIMIZE],
        behavior="all",
        duration="01:00:00",
    )
    assert await passes()
    await start(hass, plex, OPTIMIZE)
    await finish(hass, plex, OPTIMIZE)
    assert not await passes()


async def test_editor_shows_the_result_as_it_changes(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Also if it does so by the clock, and no state changes."""
    client = await hass_ws_client(hass)
    await start(hass, plex, OPTIMIZE)
    await finish(hass, plex, OPTIMIZE)
    condition = {
        "condition": "plex_butler.last_run_is_older_than",
        "target": {"entity_id": OPTIMIZE},
        "options": {"duration": {"seconds": 30}},
    }
    await client.send_json_auto_id(
        {"type": "subscribe_condition", "condition": condition}
    )
    assert (await client.receive_json())["success"]
    assert (await client.receive_json())["event"] == {"result": False}
    await tick(31)
    assert (await client.receive_json())["event"] == {"result": True}


@pytest.mark.parametrize(
    ("condition", "options"),
    [
        ("task_is_running", {}),
        ("task_is_enabled", {}),
        ("last_run_is_older_than", {"duration": {"days": 3}}),
    ],
)
async def test_outage(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    condition: str,
    options: dict[str, Any],
) -> None:
    """Nothing is true of a task while its server is away, or not loaded."""
    begin(plex, "OptimizeDatabase")
    await tick(60)
    passes = await automate(hass, condition, OPTIMIZE, **options)
    assert await passes()
    await plex.stop()
    await tick(60)
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    assert not await passes()
    await hass.config_entries.async_unload(loaded.entry_id)
    assert not await passes()


async def test_server_that_is_not_loaded(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """Whatever writes the state, nothing is known of the task then."""
    passes = await automate(hass, "task_is_enabled", OPTIMIZE)
    assert await passes()
    await hass.config_entries.async_unload(loaded.entry_id)
    hass.states.async_set(OPTIMIZE, "idle", {"task_name": "OptimizeDatabase"})
    assert not await passes()


async def test_maintenance_is_running(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    passes = await automate(hass, "maintenance_is_running", target(hass, "server"))
    assert not await passes()
    await start(hass, plex, OPTIMIZE)
    assert await passes()
    await finish(hass, plex, OPTIMIZE)
    assert not await passes()


@pytest.mark.freeze_time("2026-11-24 01:59:00+00:00")
async def test_window_is_open(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    tick: Tick,
) -> None:
    await hass.config.async_set_time_zone("UTC")
    await hass.config_entries.async_setup(entry.entry_id)
    passes = await automate(hass, "window_is_open", target(hass, "server"))
    begin(plex, "OptimizeDatabase")
    await tick(59)
    assert not await passes()
    await tick(1)
    assert await passes()
    freezer.move_to("2026-11-24 05:00:00+00:00")
    await tick(0)
    assert states(hass, MAINTENANCE) == ["on"]
    assert not await passes()
