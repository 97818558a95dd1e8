"""A server is a device, and each of its tasks a child device."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .common import BACKUP, BACKUP_ENABLED, OPTIMIZE, Tick, settle, states
from .simulator import Fault, PlexSimulator


def task_device(entry: MockConfigEntry, name: str) -> tuple[str, str]:
    return (DOMAIN, f"{entry.unique_id}_{name}")


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


async def test_server_is_renamed(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    device_registry: dr.DeviceRegistry,
) -> None:
    """The device is; the entry keeps its title, which the user may have chosen."""

    def shown() -> tuple[str, str]:
        (server,) = dr.async_entries_for_config_entry(device_registry, live.entry_id)
        return server.name, live.title

    for name in ("Attic", ""):  # A server without a name keeps its last one.
        plex.name = name
        await tick(900)
        assert shown() == ("Attic", "Media Server")

    plex.name = "Cellar"
    plex.inject(Fault.SERVER_ERROR, "/", times=1)
    await tick(900)
    assert shown() == ("Attic", "Media Server")
    await tick(900)
    assert shown() == ("Cellar", "Media Server")


async def test_task_is_renamed(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Its device is, but for a user's own name; its entities keep their ids."""
    device = device_registry.async_get_child_device_by_identifier(
        task_device(loaded, "BackupDatabase"), loaded.entry_id
    )
    device_registry.async_update_child_device(device.id, name_by_user="Mine")
    for name in ("BackupDatabase", "OptimizeDatabase"):
        plex.tasks[name] = replace(plex.tasks[name], title=f"New {name}")
    await tick(60)
    devices = [
        device_registry.async_get_child_device_by_identifier(
            task_device(loaded, name), loaded.entry_id
        )
        for name in ("BackupDatabase", "OptimizeDatabase")
    ]
    assert [(one.name, one.name_by_user) for one in devices] == [
        ("New BackupDatabase", "Mine"),
        ("New OptimizeDatabase", None),
    ]
    names = [hass.states.get(one).name for one in (BACKUP, OPTIMIZE)]
    # The floor leaves out the name of the server.
    assert [name.removeprefix("Media Server ") for name in names] == [
        "Mine",
        "New OptimizeDatabase",
    ]


async def test_vanished_task_leaves_and_may_come_back(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
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
    assert len(entries) == 12 + 21 * 5 + 18  # one of 22 tasks is gone
    assert not [e for e in entries if "BackupDatabase" in e.unique_id]
    assert not device_registry.async_get_child_device_by_identifier(
        task_device(loaded, "BackupDatabase"), loaded.entry_id
    )
    assert [hass.states.get(one) for one in (BACKUP, BACKUP_ENABLED)] == [None] * 2

    plex.tasks["BackupDatabase"] = backup
    await tick(61)
    assert states(hass, BACKUP, BACKUP_ENABLED) == ["idle", "on"]
    assert "unique ID" not in caplog.text  # nothing was added a second time


async def test_task_that_vanished_while_home_assistant_was_down(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    del plex.tasks["BackupDatabase"]
    await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    assert entity_registry.async_get(BACKUP) is None


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.HTML])
async def test_one_bad_answer_removes_nothing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    plex.inject(fault, "/butler", times=1)
    await tick(61)
    assert states(hass, BACKUP, BACKUP_ENABLED) == [STATE_UNAVAILABLE] * 2
    assert entity_registry.async_get(BACKUP)

    await tick(61)
    assert states(hass, BACKUP, BACKUP_ENABLED) == ["idle", "on"]
    assert "unique ID" not in caplog.text  # nothing was added a second time


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
