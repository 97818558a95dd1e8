"""The whole way: a real Home Assistant, the integration in it, a server on a socket."""

from collections.abc import AsyncIterator
from dataclasses import replace
import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import PlexSimulator

from .api import Api
from .conftest import DOMAIN, check_log, needs_home
from .home import HOST, HomeAssistant, until

TASK = "OptimizeDatabase"
TASK_SENSOR = "sensor.cellar_optimize_database"

pytestmark = [needs_home, pytest.mark.timeout(180)]


@pytest.fixture
async def plex(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """A server whose name can come from nowhere else."""
    async with PlexSimulator(name="Cellar") as plex:
        yield plex


@pytest.fixture
async def home(
    plex: PlexSimulator, port: int, tmp_path: Path
) -> AsyncIterator[HomeAssistant]:
    """A Home Assistant that knows nothing yet."""
    async with HomeAssistant(tmp_path, port) as home:
        yield home


async def test_home_assistant(plex: PlexSimulator, home: HomeAssistant) -> None:
    """From adding the integration to removing it."""
    entry = await home.api.set_up(
        DOMAIN, "manual", url=plex.url, token=plex.token, verify_ssl=True
    )
    assert entry["title"] == "Cellar"
    await check_entities(home.api, plex)
    await check_button(home.api, plex)
    await check_task_actions(home.api, plex)
    await check_server_actions(home.api, plex, entry["entry_id"])
    await check_stream(home.api, plex)
    await check_settings(home.api, plex, entry["entry_id"])
    await check_reload(home.api, plex, entry["entry_id"])
    await check_diagnostics(home.api, plex, entry["entry_id"])
    await check_saving(home.api)
    await home.api.delete(f"/api/config/config_entries/entry/{entry['entry_id']}")
    assert await states(home.api) == {}
    check_requests(plex)
    await home.stop()
    check_log(home, plex.token)


async def test_history_after_a_restart(
    plex: PlexSimulator, home: HomeAssistant
) -> None:
    """The runs of a night are there again as soon as Home Assistant is."""
    entry = await home.api.set_up(
        DOMAIN, "manual", url=plex.url, token=plex.token, verify_ssl=True
    )
    await plex.wait_for_sockets(1)
    night = list(plex.tasks)[:20]
    for name in night:
        plex.tasks[name] = replace(plex.tasks[name], duration=0.02)
        plex.butler.start(name)

    async def runs(api: Api) -> list[dict[str, Any]]:
        answer = await api.ask(f"{DOMAIN}.get_runs", config_entry_id=entry["entry_id"])
        return [run for run in answer["runs"] if run["result"] == "finished"]

    async def is_over() -> bool:
        return len(await runs(home.api)) == len(night)

    await until(is_over, "the end of 20 runs")
    before = await runs(home.api)
    assert {run["name"] for run in before} == set(night)
    await home.stop()
    async with HomeAssistant(home.config, home.port) as again:
        assert await runs(again.api) == before
    check_log(again, plex.token)


async def states(api: Api) -> dict[str, str]:
    """Return the states of the integration's entities."""
    registry = await api.command("config/entity_registry/list")
    ours = {one["entity_id"] for one in registry if one["platform"] == DOMAIN}
    return {
        state["entity_id"]: state["state"]
        for state in await api.get("/api/states")
        if state["entity_id"] in ours
    }


async def task_states(api: Api) -> dict[str, str]:
    """Return what the tasks do, by their names on the server."""
    return {
        state["attributes"]["task_name"]: state["state"]
        for state in await api.get("/api/states")
        if "task_name" in state["attributes"]
    }


async def becomes(api: Api, expected: str) -> None:
    """Wait for the task's state."""

    async def is_so() -> bool:
        return (await task_states(api))[TASK] == expected

    await until(is_so, f"{TASK} to be {expected}")


async def check_entities(api: Api, plex: PlexSimulator) -> None:
    """Every task has its device, with sensors, two buttons and perhaps a setting."""
    assert await task_states(api) == {
        name: "idle" if task.enabled else "disabled"
        for name, task in plex.tasks.items()
    }
    found = await states(api)
    # 19 of the tasks have a setting.
    assert len(found) == 5 * len(plex.tasks) + 19 + 12
    assert found["binary_sensor.cellar_maintenance"] == "off"
    assert found["sensor.cellar_running_tasks"] == "0"
    assert found.keys() > {
        TASK_SENSOR,
        "button.cellar_optimize_database_start",
        "button.cellar_optimize_database_stop",
        "button.cellar_start_all_tasks",
        "button.cellar_stop_all_tasks",
    }
    devices = await api.command("config/device_registry/list")
    (server,) = (device for device in devices if device["name"] == "Cellar")
    children = {
        device["name"]
        for device in devices
        if device["parent_device_id"] == server["id"]
    }
    assert children == {task.title for task in plex.tasks.values()}


async def check_button(api: Api, plex: PlexSimulator) -> None:
    """A press starts that task, no other, and shows."""
    plex.requests.clear()
    await api.act("button.press", entity_id="button.cellar_optimize_database_start")
    assert plex.started == [TASK]
    (request,) = (request for request in plex.requests if request.method != "GET")
    assert (request.method, request.raw_path) == ("POST", f"/butler/{TASK}")
    assert request.headers["X-Plex-Token"] == plex.token
    await becomes(api, "running")
    assert (await states(api))["binary_sensor.cellar_maintenance"] == "on"


async def check_task_actions(api: Api, plex: PlexSimulator) -> None:
    """The actions on a task answer what became of it."""

    async def act(action: str) -> Any:
        answer = await api.ask(f"{DOMAIN}.{action}", entity_id=TASK_SENSOR)
        return answer[TASK_SENSOR]

    assert await act("start_task") == {"result": "already_running"}
    assert await act("stop_task") == {"result": "stopped"}
    await plex.wait_idle()
    assert await act("stop_task") == {"result": "not_running"}
    await becomes(api, "idle")
    assert await act("start_task") == {"result": "started"}
    assert plex.started == [TASK, TASK]
    plex.finish(TASK)
    await becomes(api, "idle")


async def check_server_actions(api: Api, plex: PlexSimulator, entry_id: str) -> None:
    """The actions on a server do what the operations of their names do."""
    services = await api.command("get_services")
    assert len(services[DOMAIN]) == 7

    answer = await api.ask(f"{DOMAIN}.get_butler_tasks", config_entry_id=entry_id)
    assert [task["name"] for task in answer["tasks"]] == list(plex.tasks)
    assert all(task["status"] in ("idle", "disabled") for task in answer["tasks"])

    await api.act(f"{DOMAIN}.start_all_tasks", config_entry_id=entry_id)
    assert not plex.butler.idle
    await api.act(f"{DOMAIN}.stop_all_tasks", config_entry_id=entry_id)
    await plex.wait_idle()
    sent = [(one.method, one.raw_path) for one in plex.requests]
    assert [one for one in sent if one[0] != "GET"][-2:] == [
        ("POST", "/butler"),
        ("DELETE", "/butler"),
    ]


async def check_stream(api: Api, plex: PlexSimulator) -> None:
    """What the server does by itself shows at once, and nobody had to ask for it."""
    await plex.wait_for_sockets(1)
    plex.requests.clear()
    plex.butler.start(TASK)
    await becomes(api, "running")
    plex.finish(TASK)
    await becomes(api, "idle")
    assert [one.raw_path for one in plex.requests if one.method != "GET"] == []
    event = await api.get("/api/states/event.cellar_task_activity")
    assert event["attributes"]["event_type"] == "finished"
    assert event["attributes"]["task_name"] == TASK
    assert event["attributes"]["duration"] > 0

    plex.tasks[TASK] = replace(plex.tasks[TASK], duration=0.05)
    answer = await api.ask(
        f"{DOMAIN}.start_task", entity_id=TASK_SENSOR, wait_for_completion=True
    )
    assert answer[TASK_SENSOR]["result"] == "finished"
    assert answer[TASK_SENSOR]["observed"] is True


async def check_settings(api: Api, plex: PlexSimulator, entry_id: str) -> None:
    """A task is disabled, the window is moved, and what others change shows, too."""
    plex.settings.unsettled = 0.4
    enabled = "switch.cellar_optimize_database_run_automatically"
    await api.act("switch.turn_off", entity_id=enabled)
    await becomes(api, "disabled")
    assert (await states(api))[enabled] == "off"
    await api.act("switch.turn_on", entity_id=enabled)
    await becomes(api, "idle")

    plex.requests.clear()
    await api.act(
        f"{DOMAIN}.set_maintenance_window", config_entry_id=entry_id, start=22, end=4
    )
    (request,) = (one for one in plex.requests if one.method == "PUT")
    assert request.query == "ButlerStartHour=22&ButlerEndHour=4"
    assert request.headers["X-Plex-Token"] == plex.token
    found = await states(api)
    assert found["select.cellar_maintenance_window_from"] == "22:00"
    assert found["binary_sensor.cellar_maintenance_window"] in {"on", "off"}

    plex.change_settings(MusicAnalysisBehavior="never")

    async def is_so() -> bool:
        schedule = "select.cellar_music_analysis_run_automatically"
        return (await states(api))[schedule] == "never"

    await until(is_so, "what was changed elsewhere")


async def check_reload(api: Api, plex: PlexSimulator, entry_id: str) -> None:
    """After a reload everything is there again, as it was."""
    before = await states(api)
    path = f"/api/config/config_entries/entry/{entry_id}/reload"
    assert await api.post(path) == {"require_restart": False}
    (entry,) = await api.entries(DOMAIN)
    assert entry["state"] == "loaded"
    assert (await states(api)).keys() == before.keys()
    assert set((await task_states(api)).values()) == {"idle", "disabled"}


async def check_diagnostics(api: Api, plex: PlexSimulator, entry_id: str) -> None:
    """Diagnostics tell of the tasks, and not who or where the server is."""
    diagnostics = await api.get(f"/api/diagnostics/config_entry/{entry_id}")
    assert {task["name"] for task in diagnostics["data"]["tasks"]} == set(plex.tasks)
    text = json.dumps(diagnostics)
    assert plex.token is not None
    secrets = (plex.token, HOST, str(plex.port), plex.machine_identifier, plex.name)
    assert [secret for secret in secrets if secret in text] == []


async def check_saving(api: Api) -> None:
    """What a user makes in the frontend can be saved."""
    start = {"action": "button.press", "target": {"entity_id": "all"}}
    made: dict[str, dict[str, Any]] = {
        "automation": {"alias": "Film night", "triggers": [], "actions": [start]},
        "script": {"alias": "Film night", "sequence": [start]},
        "scene": {"name": "Film night", "entities": {"input_boolean.film": "on"}},
    }
    for domain, config in made.items():
        answer = await api.post(f"/api/config/{domain}/config/film_night", **config)
        assert answer == {"result": "ok"}

    async def are_loaded() -> bool:
        loaded = {state["entity_id"] for state in await api.get("/api/states")}
        return {f"{domain}.film_night" for domain in made} <= loaded

    await until(are_loaded, "what was saved")


def check_requests(plex: PlexSimulator) -> None:
    """The token came in the header, and nowhere else."""
    assert plex.token is not None
    butler = [
        one for one in plex.requests if one.raw_path.startswith(("/butler", "/:/p"))
    ]
    assert {one.headers.get("X-Plex-Token") for one in butler} == {plex.token}
    addresses = [f"{one.raw_path}?{one.query}" for one in plex.requests]
    assert [one for one in addresses if plex.token in one or "token" in one] == []
