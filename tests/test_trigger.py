"""Automations that a task, the maintenance or its window triggers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.const import STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .automating import (
    BACKUP,
    MAINTENANCE,
    OPTIMIZE,
    OTHER,
    OTHER_ATTRIBUTES,
    TARGETS,
    WINDOW,
    begin,
    finish,
    start,
    target,
)
from .common import Tick, make_entry, parent, press, settle, states, until
from .simulator import Fault, PlexSimulator, RunShape
from .simulator.butler import Started

TASK = ["task_started", "task_finished", "task_stopped"]
MAINTAIN = ["maintenance_started", "maintenance_finished"]
OPEN = ["window_opened", "window_closed"]
VARIABLES = ["task_name", "title", "started", "finished", "duration", "result"]


async def automate(
    hass: HomeAssistant,
    triggers: list[str],
    target: Any,
    *,
    variables: list[str] | None = None,
    **options: Any,
) -> list[ServiceCall]:
    """Set up an automation for each trigger; return where their actions arrive."""
    calls = async_mock_service(hass, "test", "action")
    data = {name: f"{{{{ trigger.{name} }}}}" for name in variables or ["entity_id"]}
    automations = [
        {
            "alias": trigger,
            "triggers": {
                "trigger": f"plex_butler.{trigger}",
                "target": target if isinstance(target, dict) else {"entity_id": target},
                "options": options,
            },
            "actions": {"action": "test.action", "data": {"trigger": trigger} | data},
        }
        for trigger in triggers
    ]
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    assert {*states(hass, *(f"automation.{one}" for one in triggers))} == {STATE_ON}
    return calls


def fired(calls: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return which triggers fired since the last time, and for which entities."""
    result = [(call.data["trigger"], call.data["entity_id"]) for call in calls]
    calls.clear()
    return result


@pytest.mark.parametrize("kind", TARGETS)
async def test_targets(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, kind: str
) -> None:
    """Of a target, the tasks are taken, and no other entity, whoever it is of."""
    calls = await automate(hass, TASK, target(hass, kind))
    for state in ("idle", "running"):
        hass.states.async_set(OTHER, state, OTHER_ATTRIBUTES)
    for task in (BACKUP, OPTIMIZE):
        await start(hass, plex, task)
        await finish(hass, plex, task)
    tasks = [BACKUP, OPTIMIZE] if kind == "server" else [OPTIMIZE]
    assert fired(calls) == [(trigger, task) for task in tasks for trigger in TASK[:2]]


async def test_targets_in_the_editor(
    hass: HomeAssistant,
    live: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The editor offers the triggers of a task at its device, and all at the server."""
    assert await async_setup_component(hass, "automation", {})
    client = await hass_ws_client(hass)
    for entity_id, expected in (
        (OPTIMIZE, TASK),
        (MAINTENANCE, TASK + MAINTAIN + OPEN),
    ):
        device = entity_registry.async_get(entity_id).device_id
        await client.send_json_auto_id(
            {"type": "get_triggers_for_target", "target": {"device_id": [device]}}
        )
        offered = (await client.receive_json())["result"]
        ours = {one for one in offered if one.startswith("plex_butler.")}
        assert ours == {f"plex_butler.{one}" for one in expected}


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_variables(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    await hass.config.async_set_time_zone("Europe/Amsterdam")
    calls = await automate(hass, TASK, OPTIMIZE, variables=VARIABLES)
    task = {"task_name": "OptimizeDatabase", "title": "Optimize Database"}
    await start(hass, plex, OPTIMIZE)
    assert calls.pop().data == {
        "trigger": "task_started",
        "started": "2026-11-23 04:00:00+01:00",
        "finished": None,
        "duration": None,
        "result": None,
        **task,
    }
    freezer.tick(42)
    await finish(hass, plex, OPTIMIZE)
    assert calls.pop().data == {
        "trigger": "task_finished",
        "started": "2026-11-23 04:00:00+01:00",
        "finished": "2026-11-23 04:00:42+01:00",
        "duration": 42.0,
        "result": "finished",
        **task,
    }
    assert calls == []


@pytest.mark.parametrize("shape", list(RunShape), ids=lambda shape: shape.name)
async def test_run_of_no_time(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, shape: RunShape
) -> None:
    plex.shape = shape
    plex.tasks["OptimizeDatabase"] = replace(plex.tasks["OptimizeDatabase"], duration=0)
    calls = await automate(hass, TASK, OPTIMIZE)
    await press(hass, "optimize_database_start")
    await settle(hass)
    assert fired(calls) == [("task_started", OPTIMIZE), ("task_finished", OPTIMIZE)]


async def test_run_that_is_over_when_it_is_known(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server shows a run of the Butler, and then answers that it did start."""
    monkeypatch.setattr(plex.butler, "start", lambda _name: Started.STARTED)
    calls = await automate(hass, TASK, OPTIMIZE, variables=VARIABLES)
    plex.inject(Fault.SLOW, "/butler/OptimizeDatabase")
    pressing = hass.async_create_task(press(hass, "optimize_database_start"))
    await plex.wait_for_request("POST", "/butler/OptimizeDatabase")
    plex.announce("started", parent())
    await until(hass, MAINTENANCE, "on")
    freezer.tick(0.5)
    plex.announce("ended", parent())
    await until(hass, MAINTENANCE, "off")
    plex.clear_faults()
    await pressing
    await settle(hass)
    started, finished = (call.data for call in calls)
    assert [started["trigger"], finished["trigger"]] == TASK[:2]
    assert started["started"] == finished["started"] != finished["finished"]
    assert [started["finished"], finished["duration"]] == [None, 0.5]


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_run_whose_start_was_not_seen(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Times of the run before are not those of this one."""
    await hass.config.async_set_time_zone("UTC")
    begin(plex, "OptimizeDatabase")
    await tick(60)
    plex.finish("OptimizeDatabase")
    await tick(60)
    calls = await automate(hass, TASK, OPTIMIZE, variables=VARIABLES)
    begin(plex, "OptimizeDatabase")
    await tick(600)
    assert states(hass, OPTIMIZE) == ["running"]
    assert calls.pop().data["started"] is None
    plex.finish("OptimizeDatabase")
    await tick(60)
    data = calls.pop().data
    assert [data["started"], data["finished"], data["duration"], data["result"]] == [
        None,
        "2026-11-23 03:13:00+00:00",
        None,
        "finished",
    ]
    assert calls == []


async def test_tasks_of_two_servers(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """They have the same names, and runs of their own."""
    async with PlexSimulator(name="Attic", machine_identifier="a" * 40) as other:
        entry = make_entry(other)
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        (attic,) = {
            entity_id
            for entity_id in hass.states.async_entity_ids("sensor")
            if hass.states.get(entity_id).attributes.get("task_name")
            == "OptimizeDatabase"
        } - {OPTIMIZE}
        calls = await automate(hass, TASK, [OPTIMIZE, attic], variables=VARIABLES)
        await start(hass, other, attic)
    assert [call.data["started"] is None for call in calls] == [False]


async def test_server_that_is_not_loaded(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    """Whatever writes the state, nothing is known of the run then."""
    calls = await automate(hass, TASK, OPTIMIZE, variables=VARIABLES)
    await hass.config_entries.async_unload(loaded.entry_id)
    for state in ("idle", "running"):
        hass.states.async_set(OPTIMIZE, state, {"task_name": "OptimizeDatabase"})
    await settle(hass)
    data = calls.pop().data
    assert data["task_name"] == "OptimizeDatabase"
    assert data["title"] == "Optimize database"
    assert data["started"] is None


async def test_run_that_ended_unseen(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    tick: Tick,
) -> None:
    """It finishes when the next one starts, as it must have ended by then."""
    calls = await automate(hass, TASK, OPTIMIZE)
    begin(plex, "OptimizeDatabase")
    await tick(61)
    await until(hass, OPTIMIZE, "running")
    await settle(hass)
    assert fired(calls) == [("task_started", OPTIMIZE)]
    calls.clear()
    plex.finish("OptimizeDatabase")
    freezer.tick(5)
    await press(hass, "optimize_database_start")
    await settle(hass)
    assert states(hass, OPTIMIZE) == ["running"]
    assert fired(calls) == [("task_finished", OPTIMIZE), ("task_started", OPTIMIZE)]


async def test_stopped(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A task that was stopped from here does not count as finished."""
    await start(hass, plex, OPTIMIZE)
    calls = await automate(hass, TASK, OPTIMIZE, variables=VARIABLES)
    await press(hass, "optimize_database_stop")
    await settle(hass)
    assert states(hass, OPTIMIZE) == ["stopping"]
    assert calls == []
    freezer.tick(5)
    await finish(hass, plex, OPTIMIZE)
    data = calls.pop().data
    assert [data["trigger"], data["duration"], data["result"]] == [
        "task_stopped",
        5.0,
        "stopped",
    ]
    assert calls == []


async def test_stop_that_failed(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """A task that goes on has not started anew, and finishes in the end."""
    await start(hass, plex, OPTIMIZE)
    calls = await automate(hass, TASK, OPTIMIZE)
    plex.inject(Fault.SERVER_ERROR, "/butler/OptimizeDatabase")
    with pytest.raises(HomeAssistantError):
        await press(hass, "optimize_database_stop")
    await until(hass, OPTIMIZE, "running")
    await finish(hass, plex, OPTIMIZE)
    assert fired(calls) == [("task_finished", OPTIMIZE)]


async def test_disabled_task(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A disabled task can be started, too; that it is disabled is no end of a run."""
    calls = await automate(hass, TASK, OPTIMIZE)
    plex.tasks["OptimizeDatabase"] = replace(
        plex.tasks["OptimizeDatabase"], enabled=False
    )
    await tick(60)
    assert states(hass, OPTIMIZE) == ["disabled"]
    assert fired(calls) == []
    begin(plex, "OptimizeDatabase")
    await tick(60)
    plex.finish("OptimizeDatabase")
    await tick(60)
    assert fired(calls) == [("task_started", OPTIMIZE), ("task_finished", OPTIMIZE)]
    begin(plex, "OptimizeDatabase")
    await tick(60)
    await press(hass, "optimize_database_stop")
    plex.finish("OptimizeDatabase")
    await tick(60)
    assert fired(calls) == [("task_started", OPTIMIZE), ("task_stopped", OPTIMIZE)]


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
async def test_outage(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    *,
    before: bool,
    after: bool,
) -> None:
    """A server that is back does not fire, whatever its tasks do since."""
    for name in ["OptimizeDatabase"] * before:
        begin(plex, name)
    await tick(60)
    calls = await automate(hass, TASK + MAINTAIN, [OPTIMIZE, MAINTENANCE])
    await plex.stop()
    await tick(60)
    assert states(hass, OPTIMIZE, MAINTENANCE) == [STATE_UNAVAILABLE] * 2
    await plex.start()
    for name in ["OptimizeDatabase"] * after:
        begin(plex, name)
    await tick(60)
    assert states(hass, OPTIMIZE) == ["running" if after else "idle"]
    assert fired(calls) == []


async def test_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A reload fires nothing, and automations go on after it."""
    begin(plex, "OptimizeDatabase")
    await tick(60)
    calls = await automate(hass, TASK + MAINTAIN, [OPTIMIZE, MAINTENANCE])
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["running", "on"]
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.finish("OptimizeDatabase")
    await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["idle", "off"]
    assert fired(calls) == []
    begin(plex, "OptimizeDatabase")
    await tick(60)
    assert {*fired(calls)} == {
        ("task_started", OPTIMIZE),
        ("maintenance_started", MAINTENANCE),
    }


async def test_behavior_all(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    calls = await automate(hass, TASK, [BACKUP, OPTIMIZE], behavior="all")
    await start(hass, plex, BACKUP)
    assert fired(calls) == []
    await start(hass, plex, OPTIMIZE)
    assert fired(calls) == [("task_started", OPTIMIZE)]
    await finish(hass, plex, BACKUP)
    assert fired(calls) == []
    await finish(hass, plex, OPTIMIZE)
    assert fired(calls) == [("task_finished", OPTIMIZE)]


async def test_behavior_first(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    calls = await automate(hass, TASK, [BACKUP, OPTIMIZE], behavior="first")
    await start(hass, plex, BACKUP)
    assert fired(calls) == [("task_started", BACKUP)]
    await start(hass, plex, OPTIMIZE)
    assert fired(calls) == []
    await finish(hass, plex, BACKUP)
    assert fired(calls) == [("task_finished", BACKUP)]
    await finish(hass, plex, OPTIMIZE)
    assert fired(calls) == []


async def test_for(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    calls = await automate(hass, TASK, OPTIMIZE, **{"for": {"minutes": 10}})
    await start(hass, plex, OPTIMIZE)
    await tick(590)
    await finish(hass, plex, OPTIMIZE)
    await tick(590)
    assert fired(calls) == []
    await tick(10)
    assert fired(calls) == [("task_finished", OPTIMIZE)]


async def test_for_of_the_first_that_runs_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Times of the run after are not those of this one."""
    calls = await automate(
        hass,
        TASK,
        [BACKUP, OPTIMIZE],
        variables=VARIABLES,
        behavior="first",
        **{"for": timedelta(minutes=10)},
    )
    await start(hass, plex, BACKUP)
    await start(hass, plex, OPTIMIZE)
    await finish(hass, plex, BACKUP)
    await tick(5)
    await start(hass, plex, BACKUP)
    await tick(595)
    data = calls.pop().data
    assert [data["trigger"], data["task_name"]] == ["task_started", "BackupDatabase"]
    assert data["started"] is None
    assert calls == []


async def test_maintenance(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """Maintenance is one, however many tasks it has."""
    calls = await automate(hass, MAINTAIN + OPEN, target(hass, "server"))
    await start(hass, plex, BACKUP)
    assert fired(calls) == [("maintenance_started", MAINTENANCE)]
    await start(hass, plex, OPTIMIZE)
    await finish(hass, plex, BACKUP)
    assert fired(calls) == []
    await finish(hass, plex, OPTIMIZE)
    assert fired(calls) == [("maintenance_finished", MAINTENANCE)]


@pytest.mark.freeze_time("2026-11-24 01:59:00+00:00")
async def test_window(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    tick: Tick,
) -> None:
    await hass.config.async_set_time_zone("UTC")
    await hass.config_entries.async_setup(entry.entry_id)
    calls = await automate(hass, MAINTAIN + OPEN, target(hass, "server"))
    await tick(59)
    assert fired(calls) == []
    await tick(1)
    assert fired(calls) == [("window_opened", WINDOW)]
    freezer.move_to("2026-11-24 05:00:00+00:00")
    await tick(0)
    assert fired(calls) == [("window_closed", WINDOW)]
