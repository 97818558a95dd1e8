"""Tasks are stopped while somebody is watching, and started again."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant

from ..automating import begin
from ..common import Tick, press, settle, states
from ..simulator import PlexSimulator
from .common import (
    BACKUP,
    DEEP,
    HOUR,
    MINUTE,
    OPTIMIZE,
    OTHER_DEEP,
    restart_home_assistant,
    stop_at_once,
    use_blueprint,
)

PLAYER = "media_player.living_room"
WATCHING = "sensor.media_server"


async def use(hass: HomeAssistant, *tasks: str, **inputs: Any) -> None:
    await use_blueprint(
        hass,
        "stop_while_watching",
        tasks=list(tasks),
        plex_sensors=[WATCHING],
        players=[PLAYER],
        **inputs,
    )


async def watch(hass: HomeAssistant, state: str, entity_id: str = PLAYER) -> None:
    hass.states.async_set(entity_id, state)
    await settle(hass)


@pytest.fixture(autouse=True)
def at_once(plex: PlexSimulator) -> None:
    stop_at_once(plex)


@pytest.mark.parametrize(
    ("entity_id", "state", "quiet"),
    [
        (PLAYER, "playing", "paused"),
        (PLAYER, "playing", "unavailable"),
        (WATCHING, "2", "0"),
        (WATCHING, "1", "unknown"),
    ],
)
async def test_stopped_and_started_again(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_id: str,
    state: str,
    quiet: str,
) -> None:
    await use(hass, DEEP)
    plex.butler.start("DeepMediaAnalysis")
    plex.butler.start("OptimizeDatabase")
    await watch(hass, state, entity_id)
    await tick(2 * MINUTE - 1)
    assert len(plex.butler.running) == 2
    await tick(1)
    assert [*plex.butler.running] == ["OptimizeDatabase"]
    await watch(hass, quiet, entity_id)
    await tick(10 * MINUTE - 1)
    assert [*plex.butler.running] == ["OptimizeDatabase"]
    await tick(1)
    assert [*plex.butler.running] == ["OptimizeDatabase", "DeepMediaAnalysis"]


async def test_short_breaks_change_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await use(hass, DEEP, grace={"minutes": 5}, quiet={"minutes": 20})
    plex.butler.start("DeepMediaAnalysis")
    await watch(hass, "playing")
    await tick(5 * MINUTE - 1)
    await watch(hass, "idle")
    await tick(1)
    await watch(hass, "playing")
    await tick(5 * MINUTE - 1)
    assert not plex.butler.idle
    await tick(1)
    assert plex.butler.idle
    await watch(hass, "paused")
    await tick(20 * MINUTE - 1)
    await watch(hass, "playing")
    await tick(HOUR)
    assert plex.butler.idle


async def test_task_that_starts_while_somebody_is_watching(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await use(hass, DEEP, OPTIMIZE)
    await watch(hass, "playing")
    await tick(HOUR)
    for name in ("OptimizeDatabase", "DeepMediaAnalysis"):
        plex.butler.start(name)
        await tick(MINUTE)
    plex.finish("OptimizeDatabase")
    await tick(MINUTE - 1)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]
    await tick(1)
    assert plex.butler.idle
    await watch(hass, "off")
    await tick(10 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]


async def test_task_that_starts_just_before_the_end_of_a_film(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await use(hass, DEEP)
    await watch(hass, "playing")
    await tick(HOUR)
    plex.butler.start("DeepMediaAnalysis")
    await tick(MINUTE)
    await watch(hass, "off")
    await tick(10 * MINUTE)
    assert plex.started == [*plex.butler.running] == ["DeepMediaAnalysis"]


async def test_nothing_is_done_while_nobody_is_watching(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A task stopped by hand stays stopped, and one that starts goes on."""
    await use(hass, DEEP, OPTIMIZE)
    await watch(hass, "off")
    plex.butler.start("DeepMediaAnalysis")
    await settle(hass)
    await press(hass, "deep_media_analysis_stop")
    plex.butler.start("OptimizeDatabase")
    await tick(HOUR)
    assert [*plex.butler.running] == ["OptimizeDatabase"]


@pytest.mark.parametrize(
    ("inputs", "running"),
    [({}, ["BackupDatabase"]), ({"stop_backup": True}, [])],
)
async def test_backup(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    inputs: dict[str, Any],
    running: list[str],
) -> None:
    begin(plex, "BackupDatabase")
    stop_at_once(plex)
    await use(hass, BACKUP, **inputs)
    await watch(hass, "playing")
    await tick(2 * MINUTE)
    assert [*plex.butler.running] == running


async def test_backup_that_was_stopped_by_hand_is_left_alone(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    begin(plex, "BackupDatabase")
    stop_at_once(plex)
    await use(hass, BACKUP)
    await settle(hass)
    await press(hass, "backup_database_stop")
    await watch(hass, "playing")
    await tick(7 * HOUR)
    await watch(hass, "off")
    await tick(HOUR)
    assert plex.started == ["BackupDatabase"]


@pytest.mark.parametrize("state", ["playing", "off"])
async def test_restart_of_home_assistant(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    state: str,
) -> None:
    """The film may end while Home Assistant restarts, or later."""
    await use(hass, DEEP, OPTIMIZE)
    plex.butler.start("DeepMediaAnalysis")
    await watch(hass, "playing")
    await tick(2 * MINUTE)
    assert plex.butler.idle
    await watch(hass, state)
    await restart_home_assistant(hass, live)
    await tick(10 * MINUTE - 1)
    assert plex.butler.idle
    await watch(hass, "off")
    await tick(10 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]


async def test_task_that_runs_when_home_assistant_starts(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Home Assistant comes back during a film."""
    await use(hass, DEEP)
    await watch(hass, "playing")
    plex.butler.start("DeepMediaAnalysis")
    await restart_home_assistant(hass, live)
    await tick(10 * MINUTE)
    assert plex.butler.idle


@pytest.mark.parametrize(
    "_",
    [
        "any day",
        pytest.param(
            "clocks go back",
            marks=pytest.mark.freeze_time("2026-11-01 01:57:00-07:00"),
        ),
        pytest.param(
            "clocks go forward",
            marks=pytest.mark.freeze_time("2027-03-14 01:57:00-08:00"),
        ),
    ],
)
async def test_longest_delay(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick, _: str
) -> None:
    """A task that waits too long runs once to its end."""
    await use(hass, DEEP, longest=4)
    plex.butler.start("DeepMediaAnalysis")
    await watch(hass, "playing")
    await tick(2 * MINUTE)
    assert plex.butler.idle
    await tick(4 * HOUR - MINUTE)
    assert plex.butler.idle
    await tick(MINUTE)
    await tick(5 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]
    await watch(hass, "off")
    await tick(MINUTE)
    await watch(hass, "playing")
    await tick(5 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]
    plex.finish("DeepMediaAnalysis")
    await settle(hass)
    plex.butler.start("DeepMediaAnalysis")
    await settle(hass)
    await tick(2 * MINUTE)
    assert plex.butler.idle


async def test_stop_that_takes_time(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A task that finishes its item is started again when it has ended."""
    plex.stop_delay = None
    await use(hass, DEEP)
    plex.butler.start("DeepMediaAnalysis")
    await watch(hass, "playing")
    await tick(2 * MINUTE)
    await watch(hass, "off")
    await tick(30 * MINUTE)
    assert states(hass, DEEP) == ["stopping"]
    plex.finish("DeepMediaAnalysis")
    await settle(hass)
    assert plex.started == ["DeepMediaAnalysis"] * 2
    assert states(hass, DEEP) == ["running"]


async def test_two_servers_of_which_one_is_away(
    hass: HomeAssistant,
    live: MockConfigEntry,
    other_server: PlexSimulator,
    plex: PlexSimulator,
    tick: Tick,
) -> None:
    """The tasks of one are not held up by the other, nor mixed up with them."""
    await use(hass, DEEP, OTHER_DEEP)
    for server in (plex, other_server):
        stop_at_once(server)
        server.butler.start("DeepMediaAnalysis")
    await watch(hass, "playing")
    await tick(2 * MINUTE)
    assert plex.butler.idle
    assert other_server.butler.idle
    await plex.stop()
    await watch(hass, "off")
    await tick(10 * MINUTE)
    assert [*other_server.butler.running] == ["DeepMediaAnalysis"]
