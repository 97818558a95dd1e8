"""A server's life in Home Assistant: loaded, reloaded, removed."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.loader import async_get_integration

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    Tick,
    make_entry,
    parent,
    press,
    reads,
    settle,
    states,
)
from .simulator import Fault, PlexSimulator


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
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """A timer that a press leaves behind fails any test."""
    plex.inject(Fault.SLOW, "/butler/BackupDatabase")
    pressing = hass.async_create_task(
        hass.services.async_call(
            "button",
            "press",
            {"entity_id": f"button.{OF_TASK}backup_database_start"},
            blocking=True,
        )
    )
    await plex.wait_for_request("POST", "/butler/BackupDatabase")
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.requests.clear()
    plex.clear_faults()
    await pressing
    await settle(hass)
    assert reads(plex) == []


async def test_unload_during_a_press_with_the_stream(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """Nobody waits for the name of a task that the server is at work on any more."""
    plex.announce("started", parent())
    await settle(hass)
    plex.inject(Fault.SLOW, "/butler/BackupDatabase")
    stop = hass.async_create_task(press(hass, "backup_database_stop"))
    await plex.wait_for_request("DELETE", "/butler/BackupDatabase")
    await hass.config_entries.async_unload(live.entry_id)
    plex.clear_faults()
    await stop
    await settle(hass)


async def test_disabled_while_it_is_read_at_setup(
    hass: HomeAssistant, plex: PlexSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    entry = make_entry(plex)
    entry.add_to_hass(hass)
    plex.inject(Fault.SLOW, "/:/prefs")
    setup = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await plex.wait_for_request("GET", "/:/prefs")
    disable = hass.async_create_task(
        hass.config_entries.async_set_disabled_by(
            entry.entry_id, ConfigEntryDisabler.USER
        )
    )
    plex.clear_faults()
    assert not await setup
    assert await disable
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert hass.states.async_entity_ids() == []
    assert "unload" not in caplog.text


async def test_disabled_while_entities_are_added(
    hass: HomeAssistant, plex: PlexSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not added is not unloaded, and the next setup adds everything."""
    entry = make_entry(plex)
    entry.add_to_hass(hass)

    async def disable(_: Event[EventStateChangedData]) -> None:
        await hass.config_entries.async_set_disabled_by(
            entry.entry_id, ConfigEntryDisabler.USER
        )

    unsubscribe = async_track_state_change_event(
        hass, "button.media_server_start_all_tasks", disable
    )
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    unsubscribe()
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert "unload" not in caplog.text

    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await settle(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert states(hass, BACKUP, MAINTENANCE) == ["idle", "off"]
    assert "already been setup" not in caplog.text


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
    await settle(hass)
    assert hass.states.async_entity_ids() == []
    assert er.async_entries_for_config_entry(entity_registry, loaded.entry_id) == []
    assert dr.async_entries_for_config_entry(device_registry, loaded.entry_id) == []
    assert list(device_registry.child_devices) == []


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

        plex.inject(Fault.HTML)
        await tick(60)
        assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
        assert hass.states.get(optimize).state == "running"

        await hass.config_entries.async_remove(other.entry_id)
    plex.clear_faults()
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"
    assert hass.states.get(optimize) is None
    assert loaded.state is ConfigEntryState.LOADED


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
    integration = await async_get_integration(hass, DOMAIN)
    assert headers["X-Plex-Version"] == integration.version
    assert headers["X-Plex-Device-Name"] == "Home Assistant"
    assert headers["X-Plex-Language"] == "de"
    identifiers = {r.headers["X-Plex-Client-Identifier"] for r in reads(plex)}
    assert len(identifiers) == 1

    await hass.config_entries.async_reload(entry.entry_id)
    assert reads(plex)[-1].headers["X-Plex-Client-Identifier"] in identifiers
