"""The time between a write and what became of it, and two of them at once."""

import asyncio

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.plex import connection
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    END,
    OPTIMIZE_ENABLED,
    PREFS,
    START,
    Tick,
    asked,
    move_window,
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


async def pauses_begun(count: int = 1) -> None:
    """Wait until so many wait until the server can be asked again."""
    loop = asyncio.get_running_loop()
    due = loop.time() + connection.PAUSE
    # A loop tells nobody of its timers.
    while [timer.when() for timer in loop._scheduled].count(due) < count:  # noqa: ASYNC110, SLF001
        await asyncio.sleep(0)


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
    await pauses_begun()
    await tick(0.5)
    await write
    assert states(hass, BACKUP_ENABLED) == ["off"]
    await settle(hass)
    assert states(hass, BACKUP) == ["disabled"]
    assert asked(plex) == [("GET", "")]


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
    await pauses_begun()
    plex.requests.clear()
    poll = asyncio.create_task(
        hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
        )
    )
    await plex.wait_for_request("GET", "/butler")
    await pauses_begun(2)
    await tick(0.5)
    await asyncio.gather(poll, write)
    await settle(hass)
    assert [r.raw_path for r in plex.requests].count("/butler") >= 2
    assert "not understood" not in caplog.text
    assert states(hass, BACKUP, BACKUP_ENABLED) == ["disabled", "off"]


async def test_cancelled_in_the_pause(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What became of it is read all the same, and the next write is not held up."""
    write = asyncio.create_task(loaded.runtime_data.set_settings({"ButlerEndHour": 7}))
    await pauses_begun()
    assert states(hass, END) == ["7"]
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert states(hass, END) == ["5"]
    await settle(hass)
    assert states(hass, END) == ["7"]

    monkeypatch.setattr(connection, "PAUSE", 0)
    await set_hour(hass, END, 8)
    assert states(hass, END) == ["8"]


async def test_unload_during_a_write(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    write = asyncio.create_task(turn(hass, BACKUP_ENABLED, on=False))
    await pauses_begun()
    await hass.config_entries.async_unload(loaded.entry_id)
    await tick(0.5)
    await write
    assert not plex.tasks["BackupDatabase"].enabled

    plex.requests.clear()
    await tick(1000)
    assert [r for r in plex.requests if "websockets" not in r.raw_path] == []


# Two at once


@quick
async def test_two_switches_at_once(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await asyncio.gather(
        turn(hass, BACKUP_ENABLED, on=False), turn(hass, OPTIMIZE_ENABLED, on=False)
    )
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, OPTIMIZE_ENABLED, BACKUP) == [
        "off",
        "off",
        "disabled",
    ]
    assert [method for method, _ in asked(plex)] == ["PUT", "GET", "PUT", "GET"]
    assert not plex.tasks["BackupDatabase"].enabled
    assert not plex.tasks["OptimizeDatabase"].enabled


@quick
async def test_both_numbers_at_once(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await asyncio.gather(set_hour(hass, START, 9), set_hour(hass, END, 17))
    assert states(hass, START, END) == ["9", "17"]
    assert plex.settings.number("ButlerStartHour") == 9
    assert plex.settings.number("ButlerEndHour") == 17


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
    assert states(hass, START, END) == ["21", "22"]
    assert asked(plex) == [("PUT", "ButlerStartHour=20&ButlerEndHour=22")]

    plex.clear_faults()
    await writes
    assert states(hass, START, END, BACKUP_ENABLED) == ["21", "22", "off"]
    assert plex.settings.number("ButlerStartHour") == 21
    assert [method for method, _ in asked(plex)] == 3 * ["PUT", "GET"]


@quick
async def test_on_and_off_at_once(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await asyncio.gather(
        turn(hass, BACKUP_ENABLED, on=False), turn(hass, BACKUP_ENABLED, on=True)
    )
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, BACKUP) == ["on", "idle"]
