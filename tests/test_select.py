"""When a task runs, chosen from the options of the server."""

from dataclasses import replace

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
    START,
    THUMBS,
    VOICE,
    Tick,
    asked,
    select_option,
    set_hour,
    settle,
    states,
)
from .simulator import (
    PlexSimulator,
)

quick = pytest.mark.usefixtures("no_pause", "loaded")


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
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator
) -> None:
    voice = plex.settings["GenerateVADBehavior"]
    plex.settings[voice.id] = replace(voice, enum_values="", value="sometimes")
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, VOICE) == [STATE_UNKNOWN]


@quick
async def test_hours(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.requests.clear()
    await set_hour(hass, START, 23)
    await set_hour(hass, END, 0)
    assert states(hass, START, END) == ["23:00", "00:00"]
    assert asked(plex) == [
        ("PUT", "ButlerStartHour=23"),
        ("GET", ""),
        ("PUT", "ButlerEndHour=0"),
        ("GET", ""),
    ]
    options = hass.states.get(START).attributes["options"]
    assert (options[0], options[9], options[-1]) == ("00:00", "09:00", "23:00")
    assert len(options) == 24


@quick
@pytest.mark.parametrize(("entity_id", "hour"), [(START, 5), (END, 2)])
async def test_same_hour(
    hass: HomeAssistant, plex: PlexSimulator, entity_id: str, hour: int
) -> None:
    plex.requests.clear()
    with pytest.raises(ServiceValidationError, match=f"0{hour}:00") as raised:
        await set_hour(hass, entity_id, hour)
    assert raised.value.translation_key == "same_hour"
    assert asked(plex) == []
    assert states(hass, START, END) == ["02:00", "05:00"]


@quick
async def test_server_that_has_the_same_hour_for_both(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """It was set elsewhere, and can be changed here."""
    plex.change_settings(ButlerStartHour="5")
    await tick(900)
    assert states(hass, START, END) == ["05:00", "05:00"]
    await set_hour(hass, END, 7)
    assert states(hass, START, END) == ["05:00", "07:00"]


@pytest.mark.parametrize(
    ("setting_id", "value", "entity_id"),
    [
        ("ButlerTaskBackupDatabase", "much", BACKUP_ENABLED),
        ("ButlerStartHour", "much", START),
        ("ButlerStartHour", "24", START),
    ],
)
async def test_value_that_makes_no_sense(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    monkeypatch: pytest.MonkeyPatch,
    setting_id: str,
    value: str,
    entity_id: str,
) -> None:
    listed = plex.settings.rows()
    for row in listed:
        row["value"] = {setting_id: value}.get(row["id"], row["value"])
    monkeypatch.setattr(plex.settings, "rows", lambda: listed)
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, entity_id, BACKUP) == [STATE_UNKNOWN, "idle"]
