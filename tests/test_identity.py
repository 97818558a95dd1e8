"""Another server answers at the address, and takes the same token."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import (
    ATTR_CONFIG_ENTRY_ID,
    ATTR_ENTITY_ID,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from .common import OF_TASK, WEBSOCKET, Tick, press, settle, states
from .simulator import Fault, PlexSimulator

BACKUP = f"sensor.{OF_TASK}backup_database"
SWITCH = f"switch.{OF_TASK}backup_database_run_automatically"


@asynccontextmanager
async def replaced(plex: PlexSimulator) -> AsyncIterator[PlexSimulator]:
    """Take a server off its address, and put another one there for a while."""
    await plex.stop()
    other = PlexSimulator(
        port=plex.port, machine_identifier="f" * 40, token=plex.token, name="Cellar"
    )
    other.tasks = {
        name: task for name, task in other.tasks.items() if name == "OptimizeDatabase"
    }
    async with other:
        yield other
    await plex.start()


def received(server: PlexSimulator) -> set[tuple[str, str | None]]:
    """Return what a server was asked for, each with the token."""
    return {(request.raw_path, request.token) for request in server.requests}


ANONYMOUS = {("/identity", None)}


def task_devices(hass: HomeAssistant, entry: MockConfigEntry) -> int:
    return len(dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id))


async def test_polls_believe_and_send_nothing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    issue_registry: ir.IssueRegistry,
) -> None:
    devices = task_devices(hass, loaded)
    async with replaced(plex) as other:
        await tick(60)
        assert states(hass, BACKUP, SWITCH) == [STATE_UNAVAILABLE] * 2
        assert received(other) == ANONYMOUS
        assert issue_registry.async_get_issue(DOMAIN, f"moved_{loaded.entry_id}")
    assert task_devices(hass, loaded) == devices
    await tick(60)
    assert states(hass, BACKUP, SWITCH) == ["idle", "on"]
    assert not issue_registry.issues


async def start_all(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await press(hass, "start_all_tasks", of="media_server_")


async def stop_all(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.services.async_call(
        DOMAIN,
        "stop_all_tasks",
        {ATTR_CONFIG_ENTRY_ID: entry.entry_id},
        blocking=True,
    )


async def start(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.services.async_call(
        DOMAIN, "start_task", {ATTR_ENTITY_ID: BACKUP}, blocking=True
    )


async def stop(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await press(hass, "backup_database_stop")


async def get_tasks(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {ATTR_CONFIG_ENTRY_ID: entry.entry_id},
        blocking=True,
        return_response=True,
    )


async def turn_off(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.services.async_call(
        "switch", "turn_off", {ATTR_ENTITY_ID: SWITCH}, blocking=True
    )


async def set_window(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await hass.services.async_call(
        DOMAIN,
        "set_maintenance_window",
        {ATTR_CONFIG_ENTRY_ID: entry.entry_id, "start": 1, "end": 2},
        blocking=True,
    )


type Command = Callable[[HomeAssistant, MockConfigEntry], Awaitable[None]]
COMMANDS = [start_all, stop_all, start, stop, get_tasks, turn_off, set_window]


@pytest.mark.parametrize("refusal", [None, Fault.UNAUTHORIZED, Fault.FORBIDDEN])
@pytest.mark.parametrize("command", COMMANDS)
async def test_commands_are_not_sent(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    command: Command,
    refusal: Fault | None,
) -> None:
    """Neither between two polls nor later, whatever the other server would answer."""
    devices = task_devices(hass, loaded)
    async with replaced(plex) as other:
        for path in {"/butler", "/:/prefs"} if refusal else set():
            other.inject(refusal, path)
        with pytest.raises(HomeAssistantError) as raised:
            await command(hass, loaded)
        assert raised.value.translation_key == "wrong_server"
        await settle(hass)
        await tick(60)
        assert states(hass, BACKUP) == [STATE_UNAVAILABLE]
        assert received(other) == ANONYMOUS
        assert other.started == []
        assert hass.config_entries.flow.async_progress() == []
    assert task_devices(hass, loaded) == devices


async def test_the_stream_is_not_connected(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """It is back with the right server, within a minute."""
    async with replaced(plex) as other:
        await settle(hass)
        for command in (stop_all, get_tasks):
            with pytest.raises(HomeAssistantError):
                await command(hass, live)
        for _ in range(6):
            await tick(10)
        assert received(other) == ANONYMOUS
    plex.requests.clear()
    await tick(60)
    await plex.wait_for_request("GET", WEBSOCKET)
    await plex.wait_for_sockets(1)
    await settle(hass)
    assert states(hass, BACKUP) == ["idle"]


async def test_a_request_that_is_refused_while_the_stream_is_up(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """The refusal is believed only once the identity is known again."""
    plex.inject(Fault.UNAUTHORIZED, "/butler/BackupDatabase")
    plex.machine_identifier = "f" * 40
    with pytest.raises(HomeAssistantError) as raised:
        await start(hass, live)
    assert raised.value.translation_key == "wrong_server"
    assert hass.config_entries.flow.async_progress() == []


async def test_reauthentication_that_is_no_longer_needed(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """It was started by an action, and the token is accepted again."""
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    plex.inject(Fault.UNAUTHORIZED, "/butler/BackupDatabase")
    await tick(59)
    with pytest.raises(HomeAssistantError):
        await start(hass, loaded)
    assert len(hass.config_entries.flow.async_progress()) == 1
    plex.clear_faults()
    await tick(10)
    assert hass.config_entries.flow.async_progress() == []
