"""Heavy tasks run while power is cheap."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback

from ..automating import finish, start
from ..common import Tick, settle
from ..simulator import Fault, PlexSimulator
from .common import (
    DEEP,
    HOUR,
    MINUTE,
    OPTIMIZE,
    OTHER_OPTIMIZE,
    restart_home_assistant,
    stop_at_once,
    use_blueprint,
)

SURPLUS = "sensor.surplus"
PRICE = "sensor.price"
SIGNAL = "schedule.cheap"
BOTH = ["OptimizeDatabase", "DeepMediaAnalysis"]


@pytest.fixture(autouse=True)
def at_once(
    hass: HomeAssistant, plex: PlexSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Let tasks stop at once, and a little time pass with every change.

    Otherwise a task would be started in the very moment in which the last one ended.
    """
    stop_at_once(plex)

    @callback
    def go_on(_event: Event[EventStateChangedData]) -> None:
        freezer.tick(0.001)

    hass.bus.async_listen(EVENT_STATE_CHANGED, go_on)


async def use(
    hass: HomeAssistant, *tasks: str, signals: list[str] | None = None, **inputs: Any
) -> None:
    await use_blueprint(
        hass,
        "cheap_power",
        tasks=list(tasks) or [OPTIMIZE, DEEP],
        surplus=[SURPLUS],
        surplus_limit=800,
        price=[PRICE],
        price_limit=0.1,
        signals=[SIGNAL] if signals is None else signals,
        **inputs,
    )


async def change(hass: HomeAssistant, state: str, entity_id: str = SIGNAL) -> None:
    hass.states.async_set(entity_id, state)
    await settle(hass)


@pytest.mark.parametrize(
    ("entity_id", "cheap", "expensive"),
    [
        (SURPLUS, "800", "799.9"),
        (SURPLUS, "1e4", "unavailable"),
        (PRICE, "0.1", "0.11"),
        (PRICE, "-2", "unknown"),
        (SIGNAL, "on", "off"),
        (SIGNAL, "on", "unavailable"),
    ],
)
async def test_tasks_run_one_after_the_other_until_it_ends(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_id: str,
    cheap: str,
    expensive: str,
) -> None:
    await use(hass)
    await change(hass, expensive, entity_id)
    await tick(HOUR)
    await change(hass, cheap, entity_id)
    await tick(10 * MINUTE - 1)
    assert plex.started == []
    await tick(1)
    assert plex.started == BOTH[:1]
    await finish(hass, plex, OPTIMIZE)
    assert plex.started == BOTH
    await change(hass, expensive, entity_id)
    await tick(5 * MINUTE - 1)
    assert [*plex.butler.running] == BOTH[1:]
    await tick(1)
    assert plex.butler.idle
    await tick(HOUR)
    assert plex.started == BOTH


async def test_cloud(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A short one stops nothing, and the next task does not start beside the first."""
    await use(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    await change(hass, "off")
    await tick(4 * MINUTE)
    await change(hass, "on")
    await tick(HOUR)
    assert [*plex.butler.running] == plex.started == BOTH[:1]
    await finish(hass, plex, OPTIMIZE)
    assert [*plex.butler.running] == BOTH[1:]


async def test_end_during_the_first_task(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The second one does not follow."""
    await use(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    await change(hass, "off")
    await tick(5 * MINUTE)
    assert plex.butler.idle
    assert plex.started == BOTH[:1]


async def test_next_cheap_power(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A task that was stopped is started again, one that has finished only later."""
    await use(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    await finish(hass, plex, OPTIMIZE)
    await change(hass, "off")
    await tick(5 * MINUTE)
    assert plex.butler.idle
    await change(hass, "on")
    await tick(10 * MINUTE)
    assert plex.started == [*BOTH, "DeepMediaAnalysis"]
    await finish(hass, plex, DEEP)
    await change(hass, "off")
    await tick(20 * HOUR)
    await change(hass, "on")
    await tick(10 * MINUTE)
    assert plex.started[3:] == BOTH[:1]


async def test_tasks_that_plex_started_go_on(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await use(hass)
    await change(hass, "on")
    await start(hass, plex, DEEP)
    stop_at_once(plex)
    await tick(10 * MINUTE)
    assert sorted(plex.butler.running) == sorted(BOTH)
    await change(hass, "off")
    await tick(5 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]


@pytest.mark.parametrize(
    ("state", "running"), [("on", 1), ("off", 0)], ids=["cheap", "expensive"]
)
async def test_restart_of_home_assistant(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    state: str,
    running: int,
) -> None:
    await use(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    await change(hass, state)
    await restart_home_assistant(hass, live)
    await tick(10 * MINUTE)
    assert len(plex.butler.running) == running
    assert plex.started == ["OptimizeDatabase"]


async def test_tasks_go_on_after_a_restart(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Where they were: those that have finished are left out."""
    await use(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    await finish(hass, plex, OPTIMIZE)
    await restart_home_assistant(hass, live)
    await tick(10 * MINUTE)
    assert plex.started == BOTH


async def test_task_that_cannot_be_started(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The next one is."""
    plex.inject(Fault.FORBIDDEN, "/butler/OptimizeDatabase")
    await use(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]


async def test_two_servers_of_which_one_is_away(
    hass: HomeAssistant,
    live: MockConfigEntry,
    other_server: PlexSimulator,
    plex: PlexSimulator,
    tick: Tick,
) -> None:
    stop_at_once(other_server)
    await use(hass, OPTIMIZE, OTHER_OPTIMIZE)
    await plex.stop()
    await settle(hass)
    await change(hass, "on")
    await tick(10 * MINUTE)
    assert [*other_server.butler.running] == ["OptimizeDatabase"]
    await change(hass, "off")
    await tick(5 * MINUTE)
    assert other_server.butler.idle
