"""Enabling tasks and moving the window: what a user sets and sees."""

from dataclasses import replace
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    END,
    OF_TASK,
    OPTIMIZE_ENABLED,
    START,
    THUMBS,
    VOICE,
    Tick,
    asked,
    move_window,
    select_option,
    set_hour,
    settle,
    states,
    turn,
)
from .simulator import (
    PlexSimulator,
)

quick = pytest.mark.usefixtures("no_pause", "loaded")


# What is set


@quick
async def test_switch(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await turn(hass, BACKUP_ENABLED, on=False)
    assert asked(plex) == [("PUT", "ButlerTaskBackupDatabase=0"), ("GET", "")]
    assert states(hass, BACKUP_ENABLED, OPTIMIZE_ENABLED) == ["off", "on"]
    await settle(hass)
    assert states(hass, BACKUP) == ["disabled"]

    await turn(hass, BACKUP_ENABLED, on=True)
    await settle(hass)
    assert states(hass, BACKUP_ENABLED, BACKUP) == ["on", "idle"]
    assert plex.tasks["BackupDatabase"].enabled


@quick
async def test_task_that_is_disabled_a_little_later(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """A server may take longer than a moment to show it in its list."""
    backup = plex.tasks.pop("BackupDatabase")
    await turn(hass, BACKUP_ENABLED, on=False)
    plex.tasks["BackupDatabase"] = backup
    await settle(hass)
    assert states(hass, BACKUP) == ["idle"]

    plex.tasks["BackupDatabase"] = replace(backup, enabled=False)
    await tick(11)
    assert states(hass, BACKUP) == ["disabled"]


@quick
async def test_select(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await select_option(hass, THUMBS, "asap")
    assert asked(plex) == [("PUT", "GenerateChapterThumbBehavior=asap"), ("GET", "")]
    assert states(hass, THUMBS) == ["asap"]

    await select_option(hass, THUMBS, "never")
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
