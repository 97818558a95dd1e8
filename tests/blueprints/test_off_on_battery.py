"""Tasks are stopped while the power is off."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..common import Tick, settle, states
from ..simulator import PlexSimulator
from .common import (
    DEEP,
    MAINTENANCE,
    MINUTE,
    restart_home_assistant,
    stop_at_once,
    use_blueprint,
)

UPS = "sensor.ups_status"
OUTAGE = "binary_sensor.outage"
MAINS = "input_boolean.mains"
FINE = {UPS: "OL CHRG", OUTAGE: "off", MAINS: "on"}


@pytest.fixture(autouse=True)
async def power(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    stop_at_once(plex)
    for entity_id, state in FINE.items():
        hass.states.async_set(entity_id, state)


async def use(hass: HomeAssistant, *servers: str, **inputs: Any) -> None:
    entities = er.async_get(hass)
    devices = [entities.async_get(one).device_id for one in (MAINTENANCE, *servers)]
    await use_blueprint(
        hass,
        "off_on_battery",
        servers=devices,
        ups=[UPS],
        on_battery=[OUTAGE],
        mains=[MAINS],
        **inputs,
    )


async def change(hass: HomeAssistant, entity_id: str, state: str) -> None:
    hass.states.async_set(entity_id, state)
    await settle(hass)


@pytest.mark.parametrize(
    ("entity_id", "state"),
    [
        (UPS, "OB DISCHRG LB"),
        (UPS, "On Battery, Battery Discharging"),
        (UPS, "ONBATT"),
        (OUTAGE, "on"),
        (MAINS, "off"),
    ],
)
async def test_power_failure(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
    entity_id: str,
    state: str,
) -> None:
    await use(hass)
    for name in ("DeepMediaAnalysis", "OptimizeDatabase"):
        plex.butler.start(name)
    await change(hass, entity_id, state)
    await tick(29)
    assert len(plex.butler.running) == 2
    await tick(1)
    assert plex.butler.idle
    assert messages == [
        "Power failure",
        "Media Server: stopping Deep Media Analysis, Optimize Database",
    ]
    await change(hass, entity_id, FINE[entity_id])
    await tick(15 * MINUTE)
    assert plex.butler.idle
    assert len(messages) == 2


@pytest.mark.parametrize(
    ("entity_id", "state"),
    [
        (UPS, "OL JOB"),
        (UPS, "unavailable"),
        (OUTAGE, "unknown"),
        (MAINS, "unavailable"),
    ],
)
async def test_no_power_failure(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
    entity_id: str,
    state: str,
) -> None:
    await use(hass, start_again=True)
    plex.butler.start("DeepMediaAnalysis")
    await change(hass, entity_id, state)
    await tick(15 * MINUTE)
    assert not plex.butler.idle
    await change(hass, entity_id, FINE[entity_id])
    await tick(15 * MINUTE)
    assert not plex.butler.idle
    assert messages == []


async def test_short_power_failure(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    await use(hass)
    await change(hass, OUTAGE, "on")
    await tick(10)
    plex.butler.start("DeepMediaAnalysis")
    await settle(hass)
    await tick(10)
    await change(hass, OUTAGE, "off")
    await tick(15 * MINUTE)
    assert not plex.butler.idle


async def test_task_that_starts_on_battery(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    await use(hass)
    await change(hass, OUTAGE, "on")
    await tick(MINUTE)
    assert messages == ["Power failure", "Media Server: no task is running"]
    plex.butler.start("DeepMediaAnalysis")
    await settle(hass)
    await tick(29)
    assert not plex.butler.idle
    await tick(1)
    assert plex.butler.idle
    assert len(messages) == 2


async def test_tasks_are_started_again(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, messages: list[str]
) -> None:
    """Not those that had finished before, nor while a sensor is unavailable."""
    await use(hass, start_again=True)
    plex.butler.start("OptimizeDatabase")
    plex.butler.start("DeepMediaAnalysis")
    await settle(hass)
    plex.finish("OptimizeDatabase")
    await change(hass, OUTAGE, "on")
    await tick(MINUTE)
    assert plex.butler.idle
    await change(hass, OUTAGE, "unavailable")
    await tick(15 * MINUTE)
    assert plex.butler.idle
    await change(hass, OUTAGE, "off")
    await tick(15 * MINUTE - 1)
    assert plex.butler.idle
    messages.clear()
    await tick(1)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]
    assert messages == ["Power is back", "Media Server: starting Deep Media Analysis"]


async def test_stop_that_takes_time(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.stop_delay = None
    await use(hass, start_again=True)
    plex.butler.start("DeepMediaAnalysis")
    await change(hass, OUTAGE, "on")
    await tick(MINUTE)
    await change(hass, OUTAGE, "off")
    await tick(20 * MINUTE)
    assert states(hass, DEEP) == ["stopping"]
    plex.finish("DeepMediaAnalysis")
    await settle(hass)
    assert plex.started == ["DeepMediaAnalysis"] * 2


@pytest.mark.parametrize("state", ["on", "off"])
async def test_restart_of_home_assistant(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    state: str,
) -> None:
    """It may be on battery, too."""
    await use(hass, start_again=True)
    plex.butler.start("DeepMediaAnalysis")
    await change(hass, OUTAGE, "on")
    await tick(MINUTE)
    assert plex.butler.idle
    await change(hass, OUTAGE, state)
    await restart_home_assistant(hass, live)
    await tick(15 * MINUTE - 1)
    assert plex.butler.idle
    await change(hass, OUTAGE, "off")
    await tick(15 * MINUTE)
    assert [*plex.butler.running] == ["DeepMediaAnalysis"]


async def test_restart_on_battery_with_a_task(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await use(hass)
    plex.butler.start("DeepMediaAnalysis")
    await change(hass, OUTAGE, "on")
    await restart_home_assistant(hass, live)
    await tick(15 * MINUTE)
    assert plex.butler.idle


async def test_two_servers_of_which_one_is_away(
    hass: HomeAssistant,
    plex: PlexSimulator,
    other_server: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    stop_at_once(other_server)
    await use(hass, "binary_sensor.cellar_maintenance", start_again=True)
    other_server.butler.start("DeepMediaAnalysis")
    await plex.stop()
    await change(hass, OUTAGE, "on")
    await tick(MINUTE)
    assert other_server.butler.idle
    await change(hass, OUTAGE, "off")
    await tick(15 * MINUTE)
    assert [*other_server.butler.running] == ["DeepMediaAnalysis"]
    assert messages == [
        "Power failure",
        "Media Server: the server cannot be reached",
        "Cellar: stopping Deep Media Analysis",
        "Power is back",
        "Cellar: starting Deep Media Analysis",
    ]


async def test_server_that_is_not_chosen(
    hass: HomeAssistant, other_server: PlexSimulator, tick: Tick
) -> None:
    await use(hass)
    other_server.butler.start("DeepMediaAnalysis")
    await change(hass, OUTAGE, "on")
    await tick(MINUTE)
    assert not other_server.butler.idle
