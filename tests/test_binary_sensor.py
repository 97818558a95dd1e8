"""The maintenance window, as entities."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed_exact,
)

from homeassistant.const import CONF_TIME_ZONE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from .common import NEXT_START, START, WINDOW, Tick, set_hour, settle, states
from .simulator import PlexSimulator

AMSTERDAM = "Europe/Amsterdam"


@pytest.fixture
async def amsterdam(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> MockConfigEntry:
    """A server in Amsterdam, its window from 2 to 5, set up."""
    hass.config_entries.async_update_entry(entry, options={CONF_TIME_ZONE: AMSTERDAM})
    await hass.config_entries.async_setup(entry.entry_id)
    return entry


@pytest.mark.freeze_time("2026-10-24 23:59:59+00:00")
@pytest.mark.usefixtures("amsterdam")
async def test_opens_and_closes_on_the_dot(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """In the night of the doubled hour."""

    async def tick(seconds: float) -> None:
        freezer.tick(seconds)
        async_fire_time_changed_exact(hass)
        await settle(hass)

    assert states(hass, WINDOW, NEXT_START) == ["off", "2026-10-25T00:00:00+00:00"]
    await tick(0.999)
    assert states(hass, WINDOW) == ["off"]
    await tick(0.001)
    assert states(hass, WINDOW, NEXT_START) == ["on", "2026-10-26T01:00:00+00:00"]

    freezer.move_to("2026-10-25 03:59:59+00:00")
    await tick(0)
    assert states(hass, WINDOW) == ["on"]
    await tick(1)
    assert states(hass, WINDOW, NEXT_START) == ["off", "2026-10-26T01:00:00+00:00"]


@pytest.mark.freeze_time("2026-11-24 01:59:59+00:00")
async def test_time_zone_of_home_assistant_is_the_default(
    hass: HomeAssistant, entry: MockConfigEntry, tick: Tick
) -> None:
    await hass.config.async_set_time_zone("UTC")
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, WINDOW) == ["off"]
    await tick(1)
    assert states(hass, WINDOW) == ["on"]


@pytest.mark.freeze_time("2026-11-24 02:30:00+00:00")
async def test_time_zone_of_home_assistant_that_changes(
    hass: HomeAssistant, entry: MockConfigEntry, tick: Tick
) -> None:
    await hass.config.async_set_time_zone("UTC")
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, WINDOW, NEXT_START) == ["on", "2026-11-25T02:00:00+00:00"]

    await hass.config.async_update(time_zone="Asia/Tokyo")
    assert states(hass, WINDOW, NEXT_START) == ["off", "2026-11-24T17:00:00+00:00"]
    await tick(14.5 * 3600)
    assert states(hass, WINDOW) == ["on"]


@pytest.mark.freeze_time("2026-11-24 02:30:00+00:00")
async def test_time_zone_that_is_none_any_more(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await hass.config.async_set_time_zone("UTC")
    hass.config_entries.async_update_entry(entry, options={CONF_TIME_ZONE: "Mars/Base"})
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, WINDOW) == ["on"]


@pytest.mark.freeze_time("2026-11-24 12:00:00+00:00")
@pytest.mark.usefixtures("amsterdam", "no_pause")
async def test_moved_window(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """What was to come of the old one does not."""
    await set_hour(hass, START, 14)
    assert states(hass, WINDOW, NEXT_START) == ["off", "2026-11-24T13:00:00+00:00"]
    await tick(3600)
    assert states(hass, WINDOW) == ["on"]


@pytest.mark.freeze_time("2026-11-24 12:00:00+00:00")
@pytest.mark.usefixtures("amsterdam")
async def test_window_of_no_length(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """What Plex makes of it is not known, so nothing is claimed."""
    for end, shown in (
        ("2", [STATE_UNKNOWN] * 2),
        ("13", ["off", "2026-11-25T01:00:00+00:00"]),
    ):
        plex.change_settings(ButlerEndHour=end)
        await tick(901)
        assert states(hass, WINDOW, NEXT_START) == shown
    await tick(86400)


@pytest.mark.freeze_time("2026-11-24 00:59:59+00:00")
async def test_clock_is_not_followed_after_unload(
    hass: HomeAssistant, amsterdam: MockConfigEntry, tick: Tick
) -> None:
    await hass.config_entries.async_unload(amsterdam.entry_id)
    before = hass.states.get(WINDOW)
    await tick(1)
    assert hass.states.get(WINDOW) is before
