"""What the stream adds: to know it the moment it happens."""

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    PROGRESS,
    RUNNING_TASKS,
    WEBSOCKET,
    Tick,
    connect,
    parent,
    press,
    states,
    until,
)
from .simulator import Fault, PlexSimulator, RunShape

ACTIVITY = "event.media_server_task_activity"


async def caught_up(hass: HomeAssistant, plex: PlexSimulator, mark: int = 42) -> None:
    """Wait until all frames sent so far have been taken in."""
    plex.announce("started", parent(uuid="mark", progress=mark))
    await until(hass, PROGRESS, f"{mark}.0")
    plex.announce("ended", parent(uuid="mark", progress=mark))
    await until(hass, MAINTENANCE, "off")


@pytest.fixture
def activity(hass: HomeAssistant) -> list[dict[str, Any]]:
    """What the event entity tells, as it tells it."""
    told: list[dict[str, Any]] = []

    @callback
    def listen(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == ACTIVITY:
            attributes = event.data["new_state"].attributes
            news = {key: attributes.get(key) for key in TOLD}
            # Coming back from unavailable, it shows the last one again.
            if news["event_type"] and [news] != told[-1:]:
                told.append(news)

    hass.bus.async_listen(EVENT_STATE_CHANGED, listen)
    return told


TOLD = ("event_type", "task_name", "title", "duration")


def started(name: str, title: str) -> dict[str, Any]:
    return dict(zip(TOLD, ("started", name, title, None), strict=True))


def finished(name: str, title: str, duration: float | None) -> dict[str, Any]:
    return dict(zip(TOLD, ("finished", name, title, duration), strict=True))


@pytest.mark.parametrize(
    "shape", [RunShape.SUBTITLE, RunShape.SUB_ACTIVITIES], ids=lambda shape: shape.name
)
async def test_run_started_by_the_server(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
    shape: RunShape,
) -> None:
    plex.requests.clear()
    plex.shape = shape
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["on", "1"]

    freezer.tick(90)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]
    assert activity == [
        started("OptimizeDatabase", "Optimize Database"),
        finished("OptimizeDatabase", "Optimize Database", 90.0),
    ]
    assert plex.requests == []  # it was told all that


async def test_task_too_short_for_any_poll(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
) -> None:
    plex.butler.start("BackupDatabase")
    await until(hass, BACKUP, "running")
    freezer.tick(0.05)
    plex.finish("BackupDatabase")
    await until(hass, BACKUP, "idle")
    assert activity == [
        started("BackupDatabase", "Backup Database"),
        finished("BackupDatabase", "Backup Database", 0.05),
    ]


async def test_button_for_a_task_that_is_over_before_the_answer(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """However the run shows, it is one run, and told of once."""
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=0)
    for plex.shape in RunShape:
        await press(hass, "backup_database_start")
        await tick(1)
        await caught_up(hass, plex)
        assert states(hass, BACKUP) == ["idle"]
        await tick(1)
    assert activity == 3 * [
        started("BackupDatabase", "Backup Database"),
        finished("BackupDatabase", "Backup Database", activity[1]["duration"]),
    ]


# What was already running, and what was missed


async def test_running_at_start_up_is_no_news(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
) -> None:
    plex.websocket_refusal = None
    plex.inject(Fault.SLOW, WEBSOCKET)
    plex.butler.start("OptimizeDatabase")
    await hass.config_entries.async_setup(entry.entry_id)
    await connect(hass, plex)
    assert states(hass, OPTIMIZE) == ["running"]
    assert activity == []

    freezer.tick(30)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert activity == [finished("OptimizeDatabase", "Optimize Database", None)]


async def test_missed_while_the_stream_was_cut(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    await tick(1)
    plex.inject(Fault.SLOW, WEBSOCKET)
    plex.kick()
    plex.finish("OptimizeDatabase")
    plex.butler.start("CleanOldBundles")
    await until(hass, OPTIMIZE, "idle")
    await until(hass, f"sensor.{OF_TASK}clean_old_bundles", "running")
    assert [told["event_type"] for told in activity] == [
        "started",
        "started",
        "finished",
    ]

    await tick(2)  # until it tries again
    await connect(hass, plex)
    plex.finish("CleanOldBundles")
    await until(hass, f"sensor.{OF_TASK}clean_old_bundles", "idle")


async def test_missed_while_the_server_was_away_for_long(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """Nobody knows when that was, so nobody is told."""
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    await plex.stop()
    await until(hass, OPTIMIZE, STATE_UNAVAILABLE)
    for _ in range(3):
        await tick(60)

    plex.inject(Fault.SLOW, WEBSOCKET)
    await plex.start()
    plex.butler.start("CleanOldBundles")
    await tick(60)
    assert states(hass, OPTIMIZE, f"sensor.{OF_TASK}clean_old_bundles") == [
        "idle",
        "running",
    ]
    assert activity == [
        started("OptimizeDatabase", "Optimize Database"),
        finished("OptimizeDatabase", "Optimize Database", None),
    ]


async def test_stream_cut_again_and_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    for _ in range(20):
        plex.inject(Fault.SLOW, WEBSOCKET)
        plex.kick()
        await plex.wait_for_sockets(0)
        await tick(61)
        await connect(hass, plex)
        assert states(hass, OPTIMIZE, MAINTENANCE) == ["running", "on"]
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]
