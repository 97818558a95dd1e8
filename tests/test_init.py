"""A server's life in Home Assistant: loaded, polled, reloaded, removed."""

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import OF_TASK, Tick, disable, make_entry, reads
from .simulator import Fault, PlexSimulator, SimulatedTask

BACKUP = f"sensor.{OF_TASK}backup_database"
NEW = SimulatedTask(
    name="PolishSilver",
    title="Polish Silver",
    description="Not a task of any real server",
    interval=7,
)


def task_device(entry: MockConfigEntry, name: str) -> tuple[str, str]:
    return (DOMAIN, f"{entry.unique_id}_{name}")


async def test_load_and_unload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    assert loaded.state is ConfigEntryState.LOADED

    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE

    plex.requests.clear()
    await tick(120)
    assert reads(plex) == []


async def test_unload_after_a_press(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """What was to be looked at soon is not looked at any more."""
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": "button.media_server_start_all_tasks"},
        blocking=True,
    )
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.requests.clear()
    await tick(2)
    assert reads(plex) == []


async def test_unload_during_a_press(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A press that ends after its server has gone leaves nothing behind."""
    plex.inject(Fault.SLOW, "/butler/BackupDatabase")
    press = hass.async_create_task(
        hass.services.async_call(
            "button",
            "press",
            {"entity_id": f"button.{OF_TASK}backup_database_start"},
            blocking=True,
        )
    )
    await plex.wait_for_request("POST", "/butler/BackupDatabase")
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.clear_faults()
    await press

    plex.requests.clear()
    await tick(120)
    assert reads(plex) == []


async def test_reload_keeps_everything(
    hass: HomeAssistant, loaded: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    before = er.async_entries_for_config_entry(entity_registry, loaded.entry_id)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    after = er.async_entries_for_config_entry(entity_registry, loaded.entry_id)
    assert {e.entity_id for e in after} == {e.entity_id for e in before}
    assert hass.states.get(BACKUP).state == "idle"


async def test_remove_leaves_nothing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert hass.states.async_entity_ids() == []
    assert er.async_entries_for_config_entry(entity_registry, loaded.entry_id) == []
    assert dr.async_entries_for_config_entry(device_registry, loaded.entry_id) == []
    assert list(device_registry.child_devices) == []


async def test_devices(
    loaded: MockConfigEntry, plex: PlexSimulator, device_registry: dr.DeviceRegistry
) -> None:
    """A server is a device, and each of its tasks a child device."""
    (server,) = dr.async_entries_for_config_entry(device_registry, loaded.entry_id)
    assert server.identifiers == {(DOMAIN, plex.machine_identifier)}
    assert server.entry_type is dr.DeviceEntryType.SERVICE
    assert (server.name, server.manufacturer, server.model, server.sw_version) == (
        "Media Server",
        "Plex",
        "Plex Media Server",
        plex.version,
    )
    assert server.configuration_url == f"{plex.url}/web"

    tasks = dr.async_entries_for_parent_device(device_registry, server.id)
    assert {(task.name, *task.identifiers) for task in tasks} == {
        (task.title, task_device(loaded, name)) for name, task in plex.tasks.items()
    }


async def test_server_without_a_name(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
) -> None:
    plex.name = ""
    await hass.config_entries.async_setup(entry.entry_id)
    (server,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert server.name == "Media Server"  # the title of the config entry


async def test_two_servers_side_by_side(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
) -> None:
    async with PlexSimulator(name="Attic", machine_identifier="f" * 40) as attic:
        other = make_entry(attic)
        other.add_to_hass(hass)
        assert await hass.config_entries.async_setup(other.entry_id)

        def of_attic(domain: str, key: str) -> str:
            unique_id = f"{attic.machine_identifier}_{key}"
            return entity_registry.async_get_entity_id(domain, DOMAIN, unique_id)

        start = of_attic("button", "OptimizeDatabase_start")
        optimize = of_attic("sensor", "OptimizeDatabase_status")
        await hass.services.async_call(
            "button", "press", {"entity_id": start}, blocking=True
        )
        assert (attic.started, plex.started) == (["OptimizeDatabase"], [])
        assert hass.states.get(optimize).state == "running"
        assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "idle"

        plex.inject(Fault.SERVER_ERROR)
        await tick(60)
        assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
        assert hass.states.get(optimize).state == "running"

        await hass.config_entries.async_remove(other.entry_id)
    plex.clear_faults()
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"
    assert hass.states.get(optimize) is None
    assert loaded.state is ConfigEntryState.LOADED


# Polling


async def test_polls_every_minute_when_idle(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    await tick(58)
    assert reads(plex) == []
    await tick(3)
    assert [request.raw_path for request in reads(plex)] == ["/butler", "/activities"]


async def test_polls_every_ten_seconds_while_a_task_runs(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(61)
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "running"

    plex.requests.clear()
    await tick(8)
    assert reads(plex) == []
    plex.finish("OptimizeDatabase")
    await tick(3)
    assert len(reads(plex)) == 2
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "idle"

    plex.requests.clear()
    await tick(55)
    assert reads(plex) == []


async def test_looks_often_for_a_while_after_a_request(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A server may take longer than a moment to begin."""
    await hass.services.async_call(
        DOMAIN, "stop_all_tasks", {"config_entry_id": loaded.entry_id}, blocking=True
    )
    await tick(1)
    plex.requests.clear()
    for _ in range(3):
        await tick(11)
    assert len(reads(plex)) == 6
    await tick(55)
    assert len(reads(plex)) == 6


async def test_polling_disabled_by_the_user(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    """Then only a press, an action and homeassistant.update_entity read."""
    await async_setup_component(hass, "homeassistant", {})
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    plex.requests.clear()
    await tick(600)
    assert reads(plex) == []

    disable(plex, "BackupDatabase")
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
    )
    assert hass.states.get(BACKUP).state == "disabled"


async def test_nothing_new_writes_no_state(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(BACKUP).last_reported
    await tick(61)
    await tick(61)
    assert events == []
    assert hass.states.get(BACKUP).last_reported == reported

    disable(plex, "BackupDatabase")
    await tick(61)
    assert [event.data["entity_id"] for event in events] == [BACKUP]


# Who answers


async def test_another_server_at_the_address(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    plex.machine_identifier = "f" * 40
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "wrong_server"
    # Nobody but the right server has seen the list of tasks asked for.
    assert [request.raw_path for request in reads(plex)] == ["/identity"]


async def test_another_server_after_an_outage(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    right, plex.machine_identifier = plex.machine_identifier, "f" * 40
    await plex.start()
    await tick(60)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE

    plex.machine_identifier = right
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


async def test_version_after_an_update_of_the_server(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    device_registry: dr.DeviceRegistry,
) -> None:
    await plex.stop()
    await tick(60)
    plex.version = "1.44.0.1-abc"
    await plex.start()
    await tick(60)
    (server,) = dr.async_entries_for_config_entry(device_registry, loaded.entry_id)
    assert server.sw_version == "1.44.0.1-abc"


async def test_unclaimed_server(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.token = None
    entry = make_entry(plex)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert all("X-Plex-Token" not in request.headers for request in reads(plex))


async def test_introduces_itself(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    hass.config.language = "de"
    await hass.config_entries.async_setup(entry.entry_id)
    headers = reads(plex)[0].headers
    assert headers["X-Plex-Product"] == "Butler for Plex"
    assert headers["X-Plex-Version"] == "0.1.0"
    assert headers["X-Plex-Device-Name"] == "Home Assistant"
    assert headers["X-Plex-Language"] == "de"
    identifiers = {r.headers["X-Plex-Client-Identifier"] for r in reads(plex)}
    assert len(identifiers) == 1

    await hass.config_entries.async_reload(entry.entry_id)
    assert reads(plex)[-1].headers["X-Plex-Client-Identifier"] in identifiers


# Tasks that come and go


async def test_new_task_appears_without_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.tasks[NEW.name] = NEW
    await tick(61)
    assert hass.states.get(f"sensor.{OF_TASK}polish_silver").state == "idle"
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": f"button.{OF_TASK}polish_silver_start"},
        blocking=True,
    )
    assert plex.started == [NEW.name]


async def test_vanished_task_leaves_and_may_come_back(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    assert device_registry.async_get_child_device_by_identifier(
        task_device(loaded, "BackupDatabase"), loaded.entry_id
    )
    backup = plex.tasks.pop("BackupDatabase")
    await tick(61)
    entries = er.async_entries_for_config_entry(entity_registry, loaded.entry_id)
    assert len(entries) == 6 + 21 * 5  # one of 22 tasks is gone
    assert not [e for e in entries if "BackupDatabase" in e.unique_id]
    assert not device_registry.async_get_child_device_by_identifier(
        task_device(loaded, "BackupDatabase"), loaded.entry_id
    )
    assert hass.states.get(BACKUP) is None

    plex.tasks["BackupDatabase"] = backup
    await tick(61)
    assert hass.states.get(BACKUP).state == "idle"


async def test_task_that_vanished_while_home_assistant_was_down(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    del plex.tasks["BackupDatabase"]
    await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert entity_registry.async_get(BACKUP) is None


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.SERVER_ERROR])
async def test_one_bad_answer_removes_nothing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
    fault: Fault,
) -> None:
    plex.inject(fault, "/butler", times=1)
    await tick(61)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
    assert entity_registry.async_get(BACKUP)

    await tick(61)
    assert hass.states.get(BACKUP).state == "idle"


async def test_user_deletes_a_device(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    device_registry: dr.DeviceRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Only one that is no longer listed, as after an empty answer."""
    await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)

    async def delete() -> bool:
        backup = device_registry.async_get_child_device_by_identifier(
            task_device(loaded, "BackupDatabase"), loaded.entry_id
        )
        await client.send_json_auto_id(
            {"type": "config/device_registry/remove", "device_id": backup.id}
        )
        response = await client.receive_json()
        return response["success"]

    assert not await delete()

    plex.inject(Fault.EMPTY, "/butler")
    await tick(61)
    await hass.config_entries.async_unload(loaded.entry_id)
    assert not await delete()  # nobody can tell while the server is not loaded

    await hass.config_entries.async_setup(loaded.entry_id)
    assert await delete()
