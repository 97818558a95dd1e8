"""When a task runs, chosen from the options of the server."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from .common import (
    OF_TASK,
    THUMBS,
    VOICE,
    Tick,
    asked,
    select_option,
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
    voice = plex.settings["GenerateBIFBehavior"]
    plex.settings[voice.id] = replace(voice, value="never")
    await tick(15 * 60)
    assert states(hass, VOICE) == [STATE_UNKNOWN]
    lines = [r for r in caplog.records if "'sometimes', which is unknown" in r.message]
    assert [line.levelname for line in lines] == ["DEBUG"]
