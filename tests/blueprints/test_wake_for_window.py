"""A server that sleeps is woken for its maintenance window."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.core import HomeAssistant, ServiceCall

from ..automating import start
from ..common import Tick, until
from ..simulator import PlexSimulator
from .common import DEEP, HOUR, MAINTENANCE, MINUTE, use_blueprint

# The window is from 2 to 5 in the time zone of the tests.
pytestmark = pytest.mark.freeze_time("2026-11-22 01:30:00-08:00")


@pytest.fixture
def wakes(hass: HomeAssistant) -> list[ServiceCall]:
    return async_mock_service(hass, "test", "wake")


@pytest.fixture
def sleeps(hass: HomeAssistant) -> list[ServiceCall]:
    return async_mock_service(hass, "test", "sleep")


@pytest.fixture
async def asleep(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    await use(hass)
    await plex.stop()
    await until(hass, MAINTENANCE, "unavailable")


async def use(hass: HomeAssistant, **inputs: Any) -> None:
    await use_blueprint(
        hass,
        "wake_for_window",
        calendar="calendar.media_server_maintenance_windows",
        maintenance=MAINTENANCE,
        wake_actions=[{"action": "test.wake"}],
        sleep_actions=[{"action": "test.sleep"}],
        **inputs,
    )


async def wake_up(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    """Let the server be found awake before the window opens."""
    await tick(25 * MINUTE)
    await plex.start()
    await tick(MINUTE)
    await until(hass, MAINTENANCE, "off")


@pytest.mark.usefixtures("asleep")
async def test_wakes_and_sleeps(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    wakes: list[ServiceCall],
    sleeps: list[ServiceCall],
    messages: list[str],
) -> None:
    await tick(25 * MINUTE - 1)
    assert wakes == []
    await tick(1)
    assert len(wakes) == 1
    await plex.start()
    await tick(MINUTE)
    await tick(3 * HOUR + 4 * MINUTE - 1)
    assert sleeps == []
    await tick(1)
    await tick(MINUTE)
    assert len(sleeps) == 1
    assert messages == []


@pytest.mark.usefixtures("asleep")
async def test_tasks_that_run_on_after_the_window(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    wakes: list[ServiceCall],
    sleeps: list[ServiceCall],
) -> None:
    """The next one may begin a moment after the first has ended."""
    await wake_up(hass, plex, tick)
    await start(hass, plex, DEEP)
    await tick(4 * HOUR)
    plex.finish("DeepMediaAnalysis")
    await tick(0)
    plex.butler.start("OptimizeDatabase")
    await tick(MINUTE)
    await tick(2 * HOUR)
    assert sleeps == []
    plex.finish("OptimizeDatabase")
    await tick(0)
    await tick(MINUTE)
    assert len(sleeps) == 1


@pytest.mark.usefixtures("asleep")
async def test_tasks_that_run_too_long(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    wakes: list[ServiceCall],
    sleeps: list[ServiceCall],
) -> None:
    await wake_up(hass, plex, tick)
    await start(hass, plex, DEEP)
    for _ in range(4):
        await tick(3 * HOUR)
    plex.finish("DeepMediaAnalysis")
    await tick(MINUTE)
    await tick(MINUTE)
    assert sleeps == []


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(("inputs", "slept"), [({}, 0), ({"even_if_awake": True}, 1)])
async def test_server_that_is_awake(
    hass: HomeAssistant,
    tick: Tick,
    wakes: list[ServiceCall],
    sleeps: list[ServiceCall],
    inputs: dict[str, bool],
    slept: int,
) -> None:
    await use(hass, **inputs)
    await tick(25 * MINUTE)
    await tick(4 * HOUR)
    await tick(MINUTE)
    assert (len(wakes), len(sleeps)) == (0, slept)


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(("watching", "slept"), [("0", 1), ("1", 0)])
async def test_condition(
    hass: HomeAssistant,
    tick: Tick,
    wakes: list[ServiceCall],
    sleeps: list[ServiceCall],
    watching: str,
    slept: int,
) -> None:
    hass.states.async_set("sensor.media_server", watching)
    quiet = {"condition": "state", "entity_id": "sensor.media_server", "state": "0"}
    await use(hass, even_if_awake=True, conditions=[quiet])
    await tick(25 * MINUTE)
    await tick(4 * HOUR)
    await tick(MINUTE)
    assert len(sleeps) == slept


@pytest.mark.usefixtures("asleep")
async def test_server_that_does_not_wake_up(
    hass: HomeAssistant,
    tick: Tick,
    wakes: list[ServiceCall],
    sleeps: list[ServiceCall],
    messages: list[str],
) -> None:
    await tick(25 * MINUTE)
    await tick(10 * MINUTE)
    assert messages == [
        "Media Server: not awake",
        "The server cannot be reached 10 minutes after it was woken.",
    ]
    for _ in range(3):
        await tick(3 * HOUR)
    assert sleeps == []
    await tick(14 * HOUR + 45 * MINUTE)
    await tick(5 * MINUTE)
    assert len(wakes) == 2
