"""The stream: how it comes and goes, and what it spares the server."""

from collections import Counter

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    PROGRESS,
    RUNNING_TASKS,
    START,
    WEBSOCKET,
    Tick,
    disable,
    parent,
    reads,
    settle,
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
    # The tasks and activities every five minutes, the name every 15.
    assert Counter(request.raw_path for request in reads(plex)) == {
        "/butler": 12,
        "/activities": 12,
        "/": 4,
    }

    plex.websocket_refusal = 404
    plex.kick()
    await settle(hass)
    plex.requests.clear()
    for _ in range(60):
        await tick(61)
    assert Counter(request.raw_path for request in reads(plex)) == {
        "/butler": 60,
        "/activities": 60,
        "/": 4,
    }


async def test_polls_rarely_though_a_task_runs(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    plex.requests.clear()
    for _ in range(30):
        await tick(20)
    assert len(reads(plex)) == 2 * 2


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
    for _ in range(20):
        await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    ours = [r for r in caplog.records if "polled instead" in r.message]
    assert [record.levelname for record in ours] == ["INFO"]
    assert "WARNING" not in {
        r.levelname for r in caplog.records if r.name.startswith("custom_components")
    }


async def test_each_loss_of_the_stream_is_logged_once(
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "custom_components.plex_butler")
    for losses in (1, 2):
        plex.websocket_refusal = 404
        plex.kick()
        for _ in range(3):
            await tick(60)
        assert caplog.text.count("No live updates from Media Server") == losses
        plex.websocket_refusal = None
        await tick(60)
        await plex.wait_for_sockets(1)


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_stream_that_will_not_have_us(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    fault: Fault,
) -> None:
    """Only the list of tasks shows whether the token is valid."""
    plex.websocket_refusal = None
    plex.inject(fault, WEBSOCKET)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    for _ in range(2):
        plex.requests.clear()
        for _ in range(4):
            await tick(60)
        assert WEBSOCKET not in {request.raw_path for request in plex.requests}
        await tick(60)
        assert WEBSOCKET in {request.raw_path for request in plex.requests}
    assert states(hass, BACKUP) == ["idle"]
    assert hass.config_entries.flow.async_progress() == []


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_refused_stream_while_polls_fail(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    fault: Fault,
) -> None:
    """The token may be invalid, so it is not sent until a poll succeeds."""
    plex.websocket_refusal = None
    plex.inject(fault, WEBSOCKET)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    plex.inject(Fault.SERVER_ERROR, "/butler")
    for _ in range(6):
        await tick(60)
    plex.requests.clear()
    for _ in range(10):
        await tick(60)
    assert WEBSOCKET not in {request.raw_path for request in plex.requests}

    plex.clear_faults()
    await tick(60)
    await plex.wait_for_sockets(1)


async def test_dead_peer(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    plex.websocket_refusal = None
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    plex.requests.clear()
    plex.deaf = True
    await tick(16)
    await tick(8)
    assert reads(plex) != []  # it has noticed, and what was missed is read


async def test_unload_leaves_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    for progress, shown in ((1, "1.0"), (2, "1.0")):
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, shown)
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
    for _ in range(2):
        await tick(60)
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
    await until(hass, PROGRESS, "0.0")
    await tick(1)
    for progress in range(1, 6):
        await tick(60)
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, f"{progress}.0")
    await tick(60)
    assert states(hass, BACKUP) == ["disabled"]


async def test_missed_while_the_stream_was_cut(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    await tick(1)
    plex.kick()
    plex.finish("OptimizeDatabase")
    plex.butler.start("CleanOldBundles")
    await until(hass, OPTIMIZE, "idle")
    await until(hass, f"sensor.{OF_TASK}clean_old_bundles", "running")

    await tick(2)  # until it tries again
    plex.finish("CleanOldBundles")
    await until(hass, f"sensor.{OF_TASK}clean_old_bundles", "idle")


async def test_stream_cut_again_and_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    for _ in range(20):
        plex.kick()
        await settle(hass)
        await tick(61)
        assert states(hass, OPTIMIZE, MAINTENANCE) == ["running", "on"]
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]


async def test_setting_that_was_changed_while_the_stream_was_lost(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.websocket_refusal = 404
    plex.kick()
    await settle(hass)
    plex.change_settings(ButlerStartHour="4")
    plex.websocket_refusal = None
    await tick(60)
    await plex.wait_for_sockets(1)
    await until(hass, START, "04:00")
