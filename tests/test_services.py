"""The actions, as automations and scripts call them."""

from dataclasses import replace
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_mock_service,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant, ServiceResponse
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    END,
    MAINTENANCE,
    OPTIMIZE,
    OTHER_MACHINE,
    RUNNING_TASKS,
    START,
    Tick,
    asked,
    make_entry,
    move_window,
    reads,
    states,
)
from .simulator import Fault, PlexSimulator


async def act(hass: HomeAssistant, action: str, **data: Any) -> ServiceResponse:
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )


async def act_silently(hass: HomeAssistant, action: str, **data: Any) -> None:
    await hass.services.async_call(DOMAIN, action, data, blocking=True)


def wire(plex: PlexSimulator) -> tuple[str, str]:
    return (reads(plex)[-1].method, reads(plex)[-1].raw_path)


async def test_get_butler_tasks(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """It asks the server now, and what it finds shows in the states too."""
    plex.butler.start("OptimizeDatabase")
    response = await act(hass, "get_butler_tasks", config_entry_id=loaded.entry_id)

    tasks = {task["name"]: task for task in response["tasks"]}
    assert list(tasks) == list(plex.tasks)
    assert tasks["BackupDatabase"] == {
        "name": "BackupDatabase",
        "title": "Backup Database",
        "description": plex.tasks["BackupDatabase"].description,
        "interval_days": 3,
        "schedule_randomized": False,
        "enabled": True,
        "status": "idle",
        "last_run": None,
        "last_duration": None,
        "last_result": None,
    }
    assert tasks["OptimizeDatabase"]["status"] == "running"
    assert hass.states.get(OPTIMIZE).state == "running"


async def test_start_and_stop_one_task(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.stop_delay = 0
    for action, result in (
        ("start_task", "started"),
        ("start_task", "already_running"),
        ("stop_task", "stopped"),
        ("stop_task", "not_running"),
    ):
        assert await act(hass, action, entity_id=OPTIMIZE) == {
            OPTIMIZE: {"result": result}
        }
    assert plex.started == ["OptimizeDatabase"]


async def test_start_without_a_response(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    await act_silently(hass, "start_task", entity_id=OPTIMIZE)
    assert wire(plex) == ("POST", "/butler/OptimizeDatabase")
    await act_silently(hass, "stop_task", entity_id=OPTIMIZE)
    assert wire(plex) == ("DELETE", "/butler/OptimizeDatabase")


async def test_several_targets(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    response = await act(hass, "start_task", entity_id=[BACKUP, OPTIMIZE])
    assert response == {BACKUP: {"result": "started"}, OPTIMIZE: {"result": "started"}}
    assert sorted(plex.started) == ["BackupDatabase", "OptimizeDatabase"]


async def test_device_as_target(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    device_id = entity_registry.async_get(OPTIMIZE).device_id
    response = await act(hass, "start_task", device_id=device_id)
    assert response == {OPTIMIZE: {"result": "started"}}


async def test_label_as_target(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    label_registry: lr.LabelRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Our other sensors under it are none of the action's business."""
    label = label_registry.async_create("Night").label_id
    for entity_id in (OPTIMIZE, RUNNING_TASKS):
        entity_registry.async_update_entity(entity_id, labels={label})

    assert await act(hass, "start_task", label_id=label) == {
        OPTIMIZE: {"result": "started"}
    }
    assert await act(hass, "stop_task", label_id=label) == {
        OPTIMIZE: {"result": "stopped"}
    }


async def test_all_as_target(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    await act_silently(hass, "start_task", entity_id="all")
    assert sorted(plex.started) == sorted(plex.tasks)


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
@pytest.mark.parametrize(
    "other", [RUNNING_TASKS, BACKUP, MAINTENANCE, "sensor.typing_error"]
)
async def test_another_entity_as_target(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
    action: str,
    other: str,
) -> None:
    """Nothing is done for the others, either; a disabled sensor is as none."""
    entity_registry.async_update_entity(
        BACKUP, disabled_by=er.RegistryEntryDisabler.USER
    )
    plex.requests.clear()
    with pytest.raises(ServiceValidationError, match=other) as raised:
        await act(hass, action, entity_id=[OPTIMIZE, other])
    assert raised.value.translation_key == "not_a_task"
    assert reads(plex) == []


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
@pytest.mark.parametrize(
    "target", [{"entity_id": "none"}, {"device_id": "gone"}, {"label_id": "empty"}]
)
async def test_target_without_a_task(
    hass: HomeAssistant, loaded: MockConfigEntry, action: str, target: dict[str, str]
) -> None:
    with pytest.raises(ServiceValidationError, match="no task") as raised:
        await act_silently(hass, action, **target)
    assert raised.value.translation_key == "no_task"


async def test_target_that_is_gone_beside_a_task(
    hass: HomeAssistant, loaded: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, as Home Assistant does."""
    response = await act(hass, "start_task", entity_id=OPTIMIZE, area_id="gone")
    assert response == {OPTIMIZE: {"result": "started"}}
    assert "Referenced areas gone are missing" in caplog.text


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
async def test_server_that_is_away(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    action: str,
) -> None:
    """Home Assistant itself would leave out unavailable entities without a word."""
    await plex.stop()
    await tick(60)
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    with pytest.raises(HomeAssistantError, match="Media Server cannot") as raised:
        await act_silently(hass, action, entity_id=OPTIMIZE)
    assert raised.value.translation_key == "cannot_connect"


async def test_server_that_is_back_before_it_was_noticed(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    await plex.start()
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    response = await act(hass, "start_task", entity_id=OPTIMIZE)
    assert response == {OPTIMIZE: {"result": "started"}}
    await tick(1)
    assert states(hass, OPTIMIZE) == ["running"]


@pytest.mark.parametrize(
    ("fault", "state", "key"),
    [
        (None, ConfigEntryState.NOT_LOADED, "cannot_connect"),
        (Fault.DROP, ConfigEntryState.SETUP_RETRY, "cannot_connect"),
        (Fault.FORBIDDEN, ConfigEntryState.SETUP_ERROR, "not_owner"),
    ],
)
async def test_server_that_is_not_set_up(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    fault: Fault | None,
    state: ConfigEntryState,
    key: str,
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    if fault:
        plex.inject(fault, "/butler")
        await hass.config_entries.async_setup(loaded.entry_id)
    assert loaded.state is state
    with pytest.raises(HomeAssistantError, match="Media Server") as raised:
        await act_silently(hass, "start_task", entity_id=OPTIMIZE)
    assert raised.value.translation_key == key


async def test_one_of_two_servers_is_away(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """The other one starts its task all the same, and the error is raised."""
    async with PlexSimulator(name="Cellar", machine_identifier=OTHER_MACHINE) as cellar:
        cellar.websocket_refusal = 404
        other = make_entry(cellar)
        other.add_to_hass(hass)
        assert await hass.config_entries.async_setup(other.entry_id)
        await hass.config_entries.async_unload(other.entry_id)
    with pytest.raises(HomeAssistantError, match="Cellar cannot be reached"):
        await act(hass, "start_task", entity_id="all")
    assert sorted(plex.started) == sorted(plex.tasks)


async def test_script_does_not_go_on(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    after = async_mock_service(hass, "test", "after")
    start = {"action": "plex_butler.start_task", "target": {"entity_id": OPTIMIZE}}
    sequence = [start, {"action": "test.after"}]
    script = {"script": {"night": {"sequence": sequence}}}
    assert await async_setup_component(hass, "script", script)
    with pytest.raises(HomeAssistantError, match="cannot be reached"):
        await hass.services.async_call("script", "night", blocking=True)
    assert after == []


async def test_user_who_may_control_one_task(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    hass_read_only_user: MockUser,
) -> None:
    hass_read_only_user.mock_policy({"entities": {"entity_ids": {OPTIMIZE: True}}})
    context = Context(user_id=hass_read_only_user.id)

    async def start(entity_id: str | list[str]) -> None:
        await hass.services.async_call(
            DOMAIN,
            "start_task",
            {"entity_id": entity_id},
            blocking=True,
            context=context,
        )

    with pytest.raises(Unauthorized) as raised:
        await start([OPTIMIZE, BACKUP])
    assert raised.value.entity_id == BACKUP
    assert plex.started == []
    await start("all")
    assert plex.started == ["OptimizeDatabase"]
    await hass.auth.async_remove_user(hass_read_only_user)
    with pytest.raises(UnknownUser):
        await start(OPTIMIZE)


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
async def test_context_is_passed_on(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, action: str
) -> None:
    """The state shows who asked for it."""
    plex.butler.start("OptimizeDatabase")
    await act(hass, "get_butler_tasks", config_entry_id=loaded.entry_id)
    context = Context()
    target, changed = {
        "start_task": (BACKUP, "running"),
        "stop_task": (OPTIMIZE, "stopping"),
    }[action]
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=None)
    await hass.services.async_call(
        DOMAIN, action, {"entity_id": target}, blocking=True, context=context
    )
    assert hass.states.get(target).state == changed
    assert hass.states.get(target).context is context


async def test_start_all_and_stop_all(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    await act_silently(hass, "start_all_tasks", config_entry_id=loaded.entry_id)
    assert wire(plex) == ("POST", "/butler")
    await act_silently(hass, "stop_all_tasks", config_entry_id=loaded.entry_id)
    assert wire(plex) == ("DELETE", "/butler")


@pytest.mark.parametrize(
    ("action", "target", "path"),
    [
        ("get_butler_tasks", "server", "/butler"),
        ("start_all_tasks", "server", "/butler"),
        ("stop_all_tasks", "server", "/butler"),
        ("start_task", "task", "/butler/OptimizeDatabase"),
        ("stop_task", "task", "/butler/OptimizeDatabase"),
    ],
)
async def test_every_action_says_what_went_wrong(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    action: str,
    target: str,
    path: str,
) -> None:
    """Test one error in all actions; test_errors.py has all errors in one."""
    plex.inject(Fault.UNAUTHORIZED, path)
    data = {
        "server": {"config_entry_id": loaded.entry_id},
        "task": {"entity_id": OPTIMIZE},
    }[target]
    with pytest.raises(HomeAssistantError) as raised:
        await hass.services.async_call(
            DOMAIN,
            action,
            data,
            blocking=True,
            return_response=action == "get_butler_tasks",
        )
    assert raised.value.translation_key == "invalid_auth"


async def test_server_that_is_not_loaded(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(ServiceValidationError) as raised:
        await act_silently(hass, "start_all_tasks", config_entry_id=loaded.entry_id)
    assert raised.value.translation_key == "service_config_entry_not_loaded"


async def test_task_that_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    del plex.tasks["OptimizeDatabase"]
    with pytest.raises(ServiceValidationError, match="OptimizeDatabase") as raised:
        await act(hass, "start_task", entity_id=OPTIMIZE)
    assert raised.value.translation_key == "unknown_task"
    await tick(1)
    assert hass.states.get(OPTIMIZE) is None


async def test_device_of_the_server_as_target(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    device_registry: dr.DeviceRegistry,
) -> None:
    """It stands for each of its tasks, whether enabled and due or not."""
    (server,) = dr.async_entries_for_config_entry(device_registry, loaded.entry_id)
    await act_silently(hass, "start_task", device_id=server.id)
    assert sorted(plex.started) == sorted(plex.tasks)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(("start", "end"), [(22, 4), ("22", "4"), (22.0, 4.0)])
async def test_set_maintenance_window(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    start: Any,
    end: Any,
) -> None:
    plex.requests.clear()
    await move_window(hass, loaded, start=start, end=end)
    assert asked(plex) == [("PUT", "ButlerStartHour=22&ButlerEndHour=4"), ("GET", "")]
    assert states(hass, START, END) == ["22:00", "04:00"]


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    "hours",
    [
        {"start": 2},
        {"end": 2},
        {"start": -1, "end": 5},
        {"start": 2, "end": 24},
        {"start": 2.5, "end": 5},
        {"start": "two", "end": 5},
        {"start": float("nan"), "end": 5},
        {"start": None, "end": 5},
    ],
)
async def test_window_that_is_none(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    hours: dict[str, Any],
) -> None:
    plex.requests.clear()
    with pytest.raises(Exception, match=r"start|end"):
        await move_window(hass, loaded, **hours)
    assert asked(plex) == []


@pytest.mark.usefixtures("no_pause")
async def test_window_of_no_hours(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.requests.clear()
    with pytest.raises(ServiceValidationError, match="same hour") as raised:
        await move_window(hass, loaded, start=4, end=4)
    assert raised.value.translation_key == "same_hour"
    assert asked(plex) == []
    assert states(hass, START, END) == ["02:00", "05:00"]
