"""Enabling tasks and moving the window: what a user sets, and what becomes of it."""

import asyncio
from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex import connection
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component

from .bad_news import News, every_refusal
from .conftest import OF_TASK, Hung, Tick, settle, states, until
from .simulator import Fault, PlexSimulator

PREFS = "/:/prefs"
BACKUP = f"sensor.{OF_TASK}backup_database"
BACKUP_ENABLED = f"switch.{OF_TASK}backup_database_enabled"
OPTIMIZE_ENABLED = f"switch.{OF_TASK}optimize_database_enabled"
THUMBS = f"select.{OF_TASK}generate_chapter_thumbnails_schedule"
VOICE = f"select.{OF_TASK}generate_voice_activity_schedule"
START = "number.media_server_window_start"
END = "number.media_server_window_end"

quick = pytest.mark.usefixtures("no_pause", "loaded")


async def switch(hass: HomeAssistant, entity_id: str, *, on: bool) -> None:
    action = "turn_on" if on else "turn_off"
    await hass.services.async_call(
        "switch", action, {"entity_id": entity_id}, blocking=True
    )


async def choose(hass: HomeAssistant, entity_id: str, option: str) -> None:
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": entity_id, "option": option},
        blocking=True,
    )


async def set_hour(hass: HomeAssistant, entity_id: str, hour: float) -> None:
    await hass.services.async_call(
        "number", "set_value", {"entity_id": entity_id, "value": hour}, blocking=True
    )


async def move_window(
    hass: HomeAssistant, entry: MockConfigEntry, **hours: Any
) -> None:
    await hass.services.async_call(
        DOMAIN,
        "set_maintenance_window",
        {"config_entry_id": entry.entry_id, **hours},
        blocking=True,
    )


def asked(plex: PlexSimulator) -> list[tuple[str, str]]:
    """Return what was asked of the settings, without the reads."""
    return [
        (request.method, request.query)
        for request in plex.requests
        if request.raw_path == PREFS
    ]


async def pauses_begun(count: int = 1) -> None:
    """Wait until so many wait until the server can be asked again."""
    loop = asyncio.get_running_loop()
    due = loop.time() + connection.PAUSE
    # A loop tells nobody of its timers.
    while [timer.when() for timer in loop._scheduled].count(due) < count:  # noqa: ASYNC110, SLF001
        await asyncio.sleep(0)


# What is set


@quick
async def test_switch(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await switch(hass, BACKUP_ENABLED, on=False)
    assert asked(plex) == [("PUT", "ButlerTaskBackupDatabase=0"), ("GET", "")]
    assert states(hass, BACKUP_ENABLED, OPTIMIZE_ENABLED) == ["off", "on"]
    await settle(hass)
    assert states(hass, BACKUP) == ["disabled"]

    await switch(hass, BACKUP_ENABLED, on=True)
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, BACKUP) == ["on", "idle"]
    assert plex.tasks["BackupDatabase"].enabled


@quick
async def test_task_that_is_disabled_a_little_later(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """A server may take longer than a moment to show it in its list."""
    backup = plex.tasks.pop("BackupDatabase")
    await switch(hass, BACKUP_ENABLED, on=False)
    plex.tasks["BackupDatabase"] = backup
    await settle(hass)
    assert states(hass, BACKUP) == ["idle"]

    plex.tasks["BackupDatabase"] = replace(backup, enabled=False)
    await tick(11)
    assert states(hass, BACKUP) == ["disabled"]


@quick
async def test_select(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await choose(hass, THUMBS, "asap")
    assert asked(plex) == [("PUT", "GenerateChapterThumbBehavior=asap"), ("GET", "")]
    assert states(hass, THUMBS) == ["asap"]

    await choose(hass, THUMBS, "never")
    await settle(hass)
    assert states(hass, THUMBS, f"sensor.{OF_TASK}generate_chapter_thumbnails") == [
        "never",
        "disabled",
    ]


@quick
async def test_numbers(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await set_hour(hass, START, 23)
    await set_hour(hass, END, 0)
    assert states(hass, START, END) == ["23", "0"]
    assert asked(plex) == [
        ("PUT", "ButlerStartHour=23"),
        ("GET", ""),
        ("PUT", "ButlerEndHour=0"),
        ("GET", ""),
    ]


@quick
async def test_half_an_hour(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    with pytest.raises(ServiceValidationError, match="on the hour") as raised:
        await set_hour(hass, START, 2.5)
    assert raised.value.translation_key == "whole_hours"
    assert asked(plex) == []


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
    assert states(hass, START, END) == ["22", "4"]


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


# The time between a write and what became of it


async def test_shows_at_once_and_for_the_pause(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The server may refuse everything for half a second after a change."""
    plex.settings.unsettled = 0.5
    plex.inject(Fault.SLOW, PREFS, "PUT")
    write = asyncio.create_task(switch(hass, BACKUP_ENABLED, on=False))
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
    write = asyncio.create_task(switch(hass, BACKUP_ENABLED, on=False))
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
    write = asyncio.create_task(switch(hass, BACKUP_ENABLED, on=False))
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
        switch(hass, BACKUP_ENABLED, on=False), switch(hass, OPTIMIZE_ENABLED, on=False)
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
        switch(hass, BACKUP_ENABLED, on=False),
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
        switch(hass, BACKUP_ENABLED, on=False), switch(hass, BACKUP_ENABLED, on=True)
    )
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, BACKUP) == ["on", "idle"]


# Refused


@every_refusal
@quick
async def test_bad_news(hass: HomeAssistant, plex: PlexSimulator, news: News) -> None:
    """The state is what it was, and the user is told why."""
    plex.inject(news.fault, PREFS, "PUT")
    plex.inject(news.fault, "/butler")
    with pytest.raises(HomeAssistantError) as raised:
        await switch(hass, BACKUP_ENABLED, on=False)
    assert raised.value.translation_domain == DOMAIN
    assert raised.value.translation_key == news.key
    assert news.text in str(raised.value)
    assert states(hass, BACKUP_ENABLED) == ["on"]
    assert plex.tasks["BackupDatabase"].enabled


@quick
async def test_write_while_the_server_is_in_maintenance(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """503 on all there is; the settings are as they were, then and later."""
    plex.inject(Fault.MAINTENANCE)
    with pytest.raises(HomeAssistantError, match="busy with its own maintenance"):
        await set_hour(hass, START, 4)
    assert states(hass, START, BACKUP_ENABLED) == ["2", "on"]

    plex.clear_faults()
    await tick(60)
    assert states(hass, START) == ["2"]
    await set_hour(hass, START, 4)
    assert states(hass, START) == ["4"]


@pytest.mark.parametrize("status", [400, 403])
@quick
async def test_setting_the_server_no_longer_has(
    hass: HomeAssistant, plex: PlexSimulator, status: int
) -> None:
    plex.settings.refusal = status
    del plex.settings["ButlerTaskBackupDatabase"]
    with pytest.raises(HomeAssistantError, match="ButlerTaskBackupDatabase") as raised:
        await switch(hass, BACKUP_ENABLED, on=False)
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
        await choose(hass, THUMBS, "asap")
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
    assert states(hass, START) == ["2"]


@quick
async def test_time_out(
    hass: HomeAssistant, plex: PlexSimulator, hung: Hung, freezer: FrozenDateTimeFactory
) -> None:
    plex.inject(Fault.SLOW, PREFS, "PUT")
    with pytest.raises(HomeAssistantError, match="no answer in time") as raised:
        await hung(set_hour(hass, START, 4), "PUT", PREFS)
    assert raised.value.translation_key == "cannot_connect"
    assert states(hass, START) == ["2"]
    plex.clear_faults()
    await settle(hass)


# Taken, but not read back


@quick
async def test_taken_but_slow_to_be_read_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """The server has said that it took it."""
    plex.inject(Fault.MAINTENANCE, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START) == ["4"]

    plex.clear_faults()
    plex.change_settings(ButlerStartHour="6")
    await settle(hass)
    await tick(11)
    assert states(hass, START) == ["6"]


@quick
async def test_taken_but_not_to_be_read_back(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.SERVER_ERROR, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START, BACKUP) == [STATE_UNAVAILABLE, "idle"]

    plex.clear_faults()
    await tick(11)
    assert states(hass, START, BACKUP) == ["4", "idle"]


@quick
async def test_write_while_nothing_is_known(
    hass: HomeAssistant, plex: PlexSimulator, loaded: MockConfigEntry, tick: Tick
) -> None:
    """An action needs to know nothing."""
    plex.inject(Fault.SERVER_ERROR, PREFS, "GET")
    await set_hour(hass, START, 4)
    assert states(hass, START) == [STATE_UNAVAILABLE]
    await move_window(hass, loaded, start=3, end=6)
    assert plex.settings.number("ButlerStartHour") == 3

    plex.clear_faults()
    await move_window(hass, loaded, start=4, end=6)
    assert states(hass, START, END) == ["4", "6"]


# What is shown


@quick
async def test_options_are_the_servers(hass: HomeAssistant) -> None:
    """Whatever its labels hold."""
    assert hass.states.get(VOICE).attributes["options"] == [
        "never",
        "scheduled",
        "asap",
    ]


@pytest.mark.parametrize(
    ("listed", "options"),
    [
        ("", ["never", "scheduled", "asap"]),
        ("never|weekly:Once: a week", ["never", "weekly"]),
    ],
)
async def test_other_options(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    listed: str,
    options: list[str],
) -> None:
    voice = plex.settings["GenerateVADBehavior"]
    plex.settings[voice.id] = replace(voice, enum_values=listed, value=options[-1])
    await hass.config_entries.async_setup(entry.entry_id)
    assert hass.states.get(VOICE).attributes["options"] == options
    assert states(hass, VOICE) == [options[-1]]


async def test_value_nobody_has_heard_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", "custom_components.plex_butler")
    voice = plex.settings["GenerateVADBehavior"]
    plex.settings[voice.id] = replace(voice, enum_values="", value="sometimes")
    await hass.config_entries.async_setup(entry.entry_id)
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], interval=9)
    await tick(61)
    assert states(hass, VOICE) == [STATE_UNKNOWN]
    lines = [r for r in caplog.records if "'sometimes', which is unknown" in r.message]
    assert [line.levelname for line in lines] == ["DEBUG"]


@pytest.mark.parametrize(
    ("setting_id", "entity_id"),
    [("ButlerTaskBackupDatabase", BACKUP_ENABLED), ("ButlerStartHour", START)],
)
async def test_value_that_makes_no_sense(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    monkeypatch: pytest.MonkeyPatch,
    setting_id: str,
    entity_id: str,
) -> None:
    listed = plex.settings.rows()
    for row in listed:
        row["value"] = {setting_id: "much"}.get(row["id"], row["value"])
    monkeypatch.setattr(plex.settings, "rows", lambda: listed)
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, entity_id, BACKUP) == [STATE_UNKNOWN, "idle"]
