"""Tasks that come and go."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component

from .common import BACKUP, OF_TASK, Tick
from .simulator import Fault, PlexSimulator, SimulatedTask

NEW = SimulatedTask(
    name="PolishSilver",
    title="Polish Silver",
    description="Not a task of any real server",
    interval=7,
)


def task_device(entry: MockConfigEntry, name: str) -> tuple[str, str]:
    return (DOMAIN, f"{entry.unique_id}_{name}")


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
    assert len(entries) == 10 + 21 * 5 + 18  # one of 22 tasks is gone
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
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    plex.inject(fault, "/butler", times=1)
    await tick(61)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
    assert entity_registry.async_get(BACKUP)

    await tick(61)
    assert hass.states.get(BACKUP).state == "idle"
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
