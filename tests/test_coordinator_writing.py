"""The time between a write of settings and what became of it."""

import asyncio
from dataclasses import replace

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.plex import connection
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    END,
    PREFS,
    START,
    THUMBS,
    Hung,
    Tick,
    asked,
    disable,
    move_window,
    select_option,
    set_hour,
    settle,
    states,
    turn,
    until,
)
from .simulator import (
    Fault,
    PlexSimulator,
)

quick = pytest.mark.usefixtures("no_pause", "loaded")


async def test_shows_at_once_and_for_the_pause(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The server may refuse everything for half a second after a change."""
    plex.settings.unsettled = 0.5
    plex.inject(Fault.SLOW, PREFS, "PUT")
    write = asyncio.create_task(turn(hass, BACKUP_ENABLED, on=False))
    await plex.wait_for_request("PUT", PREFS)
    assert states(hass, BACKUP_ENABLED) == ["off"]
    assert plex.tasks["BackupDatabase"].enabled

    plex.requests.clear()
    plex.clear_faults()
    await settle(hass)
    await tick(0.5)
    await write
    assert states(hass, BACKUP_ENABLED) == ["off"]
    await settle(hass)
    assert states(hass, BACKUP) == ["disabled"]
    assert asked(plex) == [("GET", "")]


@quick
async def test_task_that_follows_its_setting_late(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    await turn(hass, BACKUP_ENABLED, on=False)
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], enabled=True)
    await settle(hass)
    assert states(hass, BACKUP) == ["idle"]
    disable(plex, "BackupDatabase")
    await tick(11)
    assert states(hass, BACKUP) == ["disabled"]


async def test_poll_in_the_pause(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is refused once, and nobody takes notice."""
    await async_setup_component(hass, "homeassistant", {})
    plex.settings.unsettled = 0.4
    write = asyncio.create_task(turn(hass, BACKUP_ENABLED, on=False))
    await settle(hass)
    plex.requests.clear()
    poll = asyncio.create_task(
        hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
        )
    )
    await plex.wait_for_request("GET", "/butler")
    await settle(hass)
    await tick(0.5)
    await asyncio.gather(poll, write)
    await settle(hass)
    assert [r.raw_path for r in plex.requests].count("/butler") >= 2
    assert "not understood" not in caplog.text
    assert states(hass, BACKUP, BACKUP_ENABLED) == ["disabled", "off"]


async def test_poll_during_two_changes(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another change made elsewhere has it refused twice; the states stay."""
    plex.requests.clear()
    plex.settings.unsettled = 0.4
    plex.change_settings(OnDeckWindow="3")
    poll = asyncio.create_task(loaded.runtime_data.butler.async_refresh())
    await plex.wait_for_request("GET", "/butler")
    await settle(hass)
    await tick(0.3)
    plex.change_settings(OnDeckWindow="4")
    await tick(0.2)
    await poll
    assert [r.raw_path for r in plex.requests].count("/butler") == 2
    assert "not understood" not in caplog.text
    assert states(hass, BACKUP) == ["idle"]


async def test_cancelled_in_the_pause(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What became of it is read all the same, and the next write is not held up."""
    write = asyncio.create_task(move_window(hass, loaded, start=2, end=7))
    await settle(hass)
    assert states(hass, END) == ["07:00"]
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert states(hass, END) == ["05:00"]
    await settle(hass)
    assert states(hass, END) == ["07:00"]

    monkeypatch.setattr(connection, "PAUSE", 0)
    await set_hour(hass, END, 8)
    assert states(hass, END) == ["08:00"]


async def test_unload_during_a_write(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    write = asyncio.create_task(turn(hass, BACKUP_ENABLED, on=False))
    await settle(hass)
    await hass.config_entries.async_unload(loaded.entry_id)
    await tick(0.5)
    await write
    assert not plex.tasks["BackupDatabase"].enabled

    plex.requests.clear()
    await tick(1000)
    assert [r for r in plex.requests if "websockets" not in r.raw_path] == []


@pytest.mark.usefixtures("no_pause")
async def test_number_switch_and_action_at_once(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """They come from different sides, one waits for the other, and the last one wins."""
    plex.requests.clear()
    plex.inject(Fault.SLOW, PREFS, "PUT", times=1)
    writes = asyncio.gather(
        move_window(hass, loaded, start=20, end=22),
        set_hour(hass, START, 21),
        turn(hass, BACKUP_ENABLED, on=False),
    )
    await plex.wait_for_request("PUT", PREFS)
    await until(hass, BACKUP_ENABLED, "off")
    assert states(hass, START, END) == ["21:00", "22:00"]
    assert asked(plex) == [("PUT", "ButlerStartHour=20&ButlerEndHour=22")]

    plex.clear_faults()
    await writes
    assert states(hass, START, END, BACKUP_ENABLED) == ["21:00", "22:00", "off"]
    assert plex.settings.number("ButlerStartHour") == 21
    assert [method for method, _ in asked(plex)] == 3 * ["PUT", "GET"]


@quick
async def test_on_and_off_at_once(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await asyncio.gather(
        turn(hass, BACKUP_ENABLED, on=False), turn(hass, BACKUP_ENABLED, on=True)
    )
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, BACKUP) == ["on", "idle"]


@quick
async def test_write_while_the_server_is_in_maintenance(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """503 on all there is; the settings are as they were, then and later."""
    plex.inject(Fault.MAINTENANCE)
    with pytest.raises(HomeAssistantError, match="busy with its own maintenance"):
        await set_hour(hass, START, 4)
    assert states(hass, START, BACKUP_ENABLED) == ["02:00", "on"]

    plex.clear_faults()
    await tick(60)
    assert states(hass, START) == ["02:00"]
    await set_hour(hass, START, 4)
    assert states(hass, START) == ["04:00"]


@pytest.mark.parametrize("status", [400, 403])
@quick
async def test_setting_the_server_no_longer_has(
    hass: HomeAssistant, plex: PlexSimulator, status: int
) -> None:
    plex.settings.refusal = status
    del plex.settings["ButlerTaskBackupDatabase"]
    with pytest.raises(HomeAssistantError, match="ButlerTaskBackupDatabase") as raised:
        await turn(hass, BACKUP_ENABLED, on=False)
    assert raised.value.translation_key == "setting_refused"
    await settle(hass)
    assert hass.states.get(BACKUP_ENABLED) is None


@quick
async def test_value_the_server_no_longer_takes(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    thumbs = plex.settings["GenerateChapterThumbBehavior"]
    plex.settings[thumbs.id] = replace(thumbs, enum_values="never|scheduled")
    with pytest.raises(HomeAssistantError) as raised:
        await select_option(hass, THUMBS, "asap")
    assert raised.value.translation_key == "setting_refused"
    assert states(hass, THUMBS) == ["scheduled"]
    await settle(hass)
    assert hass.states.get(THUMBS).attributes["options"] == ["never", "scheduled"]


@quick
async def test_value_the_server_takes_and_forgets(
    hass: HomeAssistant, plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plex.settings, "change", lambda _: None)
    with pytest.raises(HomeAssistantError) as raised:
        await set_hour(hass, START, 4)
    assert raised.value.translation_key == "setting_refused"
    assert states(hass, START) == ["02:00"]


@quick
async def test_time_out(
    hass: HomeAssistant, plex: PlexSimulator, hung: Hung, freezer: FrozenDateTimeFactory
) -> None:
    plex.inject(Fault.SLOW, PREFS, "PUT")
    with pytest.raises(HomeAssistantError, match="no answer in time") as raised:
        await hung(set_hour(hass, START, 4))
    assert raised.value.translation_key == "cannot_connect"
    assert states(hass, START) == ["02:00"]
    plex.clear_faults()
    await settle(hass)


@quick
async def test_taken_but_slow_to_be_read_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """The server has said that it took it."""
    plex.inject(Fault.MAINTENANCE, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START) == ["04:00"]

    plex.clear_faults()
    plex.change_settings(ButlerStartHour="6")
    await settle(hass)
    await tick(11)
    assert states(hass, START) == ["06:00"]


@quick
async def test_taken_but_not_to_be_read_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.FORBIDDEN, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START, BACKUP) == [STATE_UNAVAILABLE, "idle"]

    plex.clear_faults()
    await tick(11)
    assert states(hass, START, BACKUP) == ["04:00", "idle"]


@quick
async def test_write_while_nothing_is_known(
    hass: HomeAssistant, plex: PlexSimulator, loaded: MockConfigEntry, tick: Tick
) -> None:
    """An action needs to know nothing."""
    plex.inject(Fault.FORBIDDEN, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START) == [STATE_UNAVAILABLE]
    await move_window(hass, loaded, start=3, end=6)
    assert plex.settings.number("ButlerStartHour") == 3

    plex.clear_faults()
    await move_window(hass, loaded, start=4, end=6)
    assert states(hass, START, END) == ["04:00", "06:00"]
