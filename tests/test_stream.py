"""The stream itself: how it comes and goes, and what it spares the server."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant

from .common import (
    BACKUP,
    OPTIMIZE,
    PROGRESS,
    WEBSOCKET,
    Tick,
    connect,
    disable,
    parent,
    reads,
    states,
    until,
)
from .simulator import Fault, PlexSimulator


async def test_polls_rarely_while_the_stream_is_up(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    for _ in range(60):
        await tick(60)
    assert len(reads(plex)) == 2 * 12  # the tasks and activities, every five minutes

    plex.websocket_refusal = 404
    plex.kick()
    await plex.wait_for_sockets(0)
    await tick(60)
    await tick(60)
    plex.requests.clear()
    for _ in range(60):
        await tick(61)
    assert len(reads(plex)) == 2 * 60


@pytest.mark.parametrize("refusal", [404, 400, 502, 200])
async def test_server_without_a_websocket(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    refusal: int,
) -> None:
    """It is polled as ever, and that is said once."""
    plex.websocket_refusal = refusal
    await hass.config_entries.async_setup(entry.entry_id)
    await plex.wait_for_request("GET", WEBSOCKET)
    for _ in range(20):
        await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    ours = [r for r in caplog.records if "so it is polled" in r.message]
    assert [record.levelname for record in ours] == ["INFO"]
    assert "WARNING" not in {
        r.levelname for r in caplog.records if r.name.startswith("custom_components")
    }


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_stream_that_will_not_have_us(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    fault: Fault,
) -> None:
    """Only the list of tasks tells whether the token is good."""
    plex.websocket_refusal = None
    plex.inject(fault, WEBSOCKET)
    await hass.config_entries.async_setup(entry.entry_id)
    await plex.wait_for_request("GET", WEBSOCKET)
    await tick(60)  # the answer has arrived by then
    await tick(60)
    plex.requests.clear()
    for _ in range(5):
        await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    assert len(plex.requests) == len(reads(plex)) == 10
    assert hass.config_entries.flow.async_progress() == []


async def test_dead_peer(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    plex.websocket_refusal = None
    plex.inject(Fault.SLOW, WEBSOCKET)
    await hass.config_entries.async_setup(entry.entry_id)
    await connect(hass, plex)
    plex.requests.clear()
    plex.deaf = True
    await tick(16)
    await tick(8)
    await tick(1)
    await plex.wait_for_request("GET", "/activities")  # it has noticed


async def test_unload_leaves_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.announce("started", parent(progress=1))
    plex.announce("updated", parent(progress=2))
    await until(hass, PROGRESS, "1.0")
    await hass.config_entries.async_unload(live.entry_id)
    await plex.wait_for_sockets(0)
    plex.requests.clear()
    await tick(600)
    assert plex.requests == []


async def test_stream_during_an_outage_brings_nothing_back(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Tasks that cannot be read are not there, whatever the stream says."""
    plex.inject(Fault.SERVER_ERROR, "/butler")
    await tick(301)
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    plex.butler.start("OptimizeDatabase")
    plex.clear_faults()
    await tick(60)
    assert states(hass, OPTIMIZE) == ["running"]


async def test_frames_do_not_put_off_the_poll(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """What only a poll can tell is told in time, however much there is to hear."""
    disable(plex, "BackupDatabase")
    plex.announce("started", parent(progress=0))
    for progress in range(1, 7):
        await tick(60)
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, f"{progress}.0")
    assert states(hass, BACKUP) == ["disabled"]
