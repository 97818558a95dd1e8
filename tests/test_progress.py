"""Progress, which changes more often than anybody wants to read."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from .common import (
    MAINTENANCE,
    OPTIMIZE,
    PROGRESS,
    Tick,
    parent,
    states,
    until,
)
from .simulator import PlexSimulator


async def test_progress_as_plex_counts_it(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]
    plex.notify("preference", "Setting", [{"id": "ButlerStartHour", "value": 3}])
    plex.announce("started", parent())
    await until(hass, MAINTENANCE, "on")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]
    for progress in (100, 83.3, 100, 85.7):
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, str(float(progress)))
        assert states(hass, MAINTENANCE) == ["on"]
        await tick(0.25)
    plex.announce("ended", parent(progress=100))
    await until(hass, MAINTENANCE, "off")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]


async def test_repeated_frames_write_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.announce("started", parent(progress=7))
    await until(hass, PROGRESS, "7.0")
    await tick(0.25)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(PROGRESS).last_reported
    for _ in range(100):
        plex.announce("updated", parent(progress=7))
    plex.announce("updated", parent(progress=8))
    await until(hass, PROGRESS, "8.0")
    assert [event.data["entity_id"] for event in events] == [PROGRESS]
    assert reported < hass.states.get(PROGRESS).last_reported


async def test_burst_of_frames(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A thousand in a second: four writes a second will do, and the last one is right."""
    plex.announce("started", parent(progress=0))
    await until(hass, PROGRESS, "0.0")
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    for step in range(1, 11):
        for part in range(100):
            plex.announce("updated", parent(progress=(step * 100 + part) / 20))
        # Another kind of change is written at once: all of the burst is in by then.
        plex.announce("started", parent(uuid="sub", title="OptimizeDatabase"))
        await until(hass, OPTIMIZE, "running")
        plex.announce("ended", parent(uuid="sub", title="OptimizeDatabase"))
        await until(hass, OPTIMIZE, "idle")
        freezer.tick(timedelta(seconds=0.1))
        async_fire_time_changed(hass)
    freezer.tick(timedelta(seconds=0.25))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()

    progress = [e for e in events if e.data["entity_id"] == PROGRESS]
    assert len(progress) <= 2 * 10 + 5
    assert states(hass, PROGRESS) == [str(1099 / 20)]
