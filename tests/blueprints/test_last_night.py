"""The user is told what ran last night."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from ..automating import finish, start
from ..common import Tick, press
from ..simulator import PlexSimulator
from .common import BACKUP, DEEP, HOUR, MINUTE, OPTIMIZE, stop_at_once, use_blueprint

TITLE = "Media Server: maintenance in the last 12 hours"

# In the time zone of the tests
pytestmark = pytest.mark.freeze_time("2026-11-22 01:00:00-08:00")


async def use(hass: HomeAssistant, entry: MockConfigEntry, **inputs: Any) -> None:
    await use_blueprint(hass, "last_night", server=entry.entry_id, **inputs)


async def test_runs_of_a_night(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    await use(hass, live)
    for seconds in (42, 100):
        await start(hass, plex, OPTIMIZE)
        await tick(seconds)
        await finish(hass, plex, OPTIMIZE)
    await start(hass, plex, DEEP)
    await tick(HOUR + 5 * MINUTE)
    stop_at_once(plex)
    await press(hass, "deep_media_analysis_stop")
    await start(hass, plex, BACKUP)
    await tick(6 * HOUR)
    assert messages == [
        TITLE,
        "Optimize Database: 2 finished, 2 min 22 s in all",
        "Deep Media Analysis: stopped, 1 h 5 min",
        "Backup Database: still running",
    ]


async def test_run_whose_end_was_missed(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    await use(hass, live)
    await start(hass, plex, DEEP)
    await hass.config_entries.async_unload(live.entry_id)
    plex.finish("DeepMediaAnalysis")
    await hass.config_entries.async_setup(live.entry_id)
    await tick(7 * HOUR)
    assert messages == [TITLE, "Deep Media Analysis: end not seen"]


async def test_nothing_ran(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    """A run of the day before does not count."""
    await start(hass, plex, OPTIMIZE)
    await finish(hass, plex, OPTIMIZE)
    await use(hass, live, hours=6)
    await tick(7 * HOUR)
    assert messages == []


async def test_that_nothing_ran(
    hass: HomeAssistant, live: MockConfigEntry, tick: Tick, messages: list[str]
) -> None:
    await use(hass, live, if_nothing=True)
    await tick(7 * HOUR)
    assert messages == [TITLE, "No task ran."]


async def test_server_that_is_away_since_home_assistant_started(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    await plex.stop()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await use(hass, entry)
    await tick(7 * HOUR)
    assert messages == [
        TITLE,
        "The runs cannot be read: the server is not connected to Home Assistant.",
    ]


async def test_server_that_went_away_in_the_night(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    """What it did before is known."""
    await use(hass, live)
    await start(hass, plex, OPTIMIZE)
    await tick(61)
    await finish(hass, plex, OPTIMIZE)
    await plex.stop()
    await tick(7 * HOUR)
    assert messages == [TITLE, "Optimize Database: finished, 1 min 1 s"]
