"""The event entity: runs that begin and end."""

from dataclasses import replace
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.plex_butler.plex import connection
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    RUNNING_TASKS,
    Tick,
    parent,
    press,
    settle,
    states,
    until,
)
from .simulator import Fault, PlexSimulator, RunShape

ACTIVITY = "event.media_server_task_activity"


TOLD = ("event_type", "task_name", "title", "entity_id", "duration", "observed")


@pytest.fixture
def activity(hass: HomeAssistant) -> list[dict[str, Any]]:
    """What the event entity tells, as it tells it."""
    told: list[dict[str, Any]] = []

    @callback
    def listen(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == ACTIVITY:
            attributes = event.data["new_state"].attributes
            news = {key: attributes.get(key) for key in TOLD}
            if news["event_type"]:
                told.append(news)

    hass.bus.async_listen(EVENT_STATE_CHANGED, listen)
    return told


def told(
    event_type: str, duration: float | None = None, *, observed: bool = True
) -> dict[str, Any]:
    """Return what is told of a run of one of the tasks."""
    task = ("OptimizeDatabase", "Optimize Database", OPTIMIZE)
    return dict(zip(TOLD, (event_type, *task, duration, observed), strict=True))


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
        told("started"),
        told("finished", 90.0),
    ]
    assert plex.requests == []  # it was told all that


@pytest.mark.parametrize("refusal", [None, 404], ids=["stream", "polls"])
async def test_states_are_right_when_a_run_is_told(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    monkeypatch: pytest.MonkeyPatch,
    refusal: int | None,
) -> None:
    """An automation that a run triggers finds the task as that run left it."""
    monkeypatch.setattr(connection, "HEARTBEAT", 1e9)
    plex.websocket_refusal = refusal
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    found = []

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == ACTIVITY:
            found.extend(states(hass, OPTIMIZE))

    hass.bus.async_listen(EVENT_STATE_CHANGED, look)
    for change in (plex.butler.start, plex.finish):
        change("OptimizeDatabase")
        await settle(hass)
        await tick(60)
    assert found == ["running", "idle"]


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
        assert states(hass, BACKUP) == ["idle"]
        await tick(1)
    assert [(one["event_type"], one["entity_id"]) for one in activity] == len(
        RunShape
    ) * [("started", BACKUP), ("finished", BACKUP)]
    assert {one["observed"] for one in activity if one["duration"] is not None} == {
        True
    }


@pytest.mark.parametrize("ours", [True, False])
async def test_stopped_is_not_finished(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
    *,
    ours: bool,
) -> None:
    """A run that somebody else stops looks like one that finishes."""
    plex.stop_delay = None
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    if ours:
        await press(hass, "optimize_database_stop")
    else:
        plex.butler.stop("OptimizeDatabase")
    await until(hass, OPTIMIZE, "stopping" if ours else "running")
    freezer.tick(5)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert activity == [told("started"), told("stopped" if ours else "finished", 5.0)]


async def test_run_that_nothing_shows(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """It is only known by the answer to the request for it."""
    await press(hass, "optimize_database_start")
    plex.finish("OptimizeDatabase")
    await tick(1)
    assert activity == [
        told("started", observed=False),
        told("finished", 1.0, observed=False),
    ]


@pytest.mark.parametrize(("runs", "shown"), [(1, 1), (2, 2), (5, 2)])
async def test_running_is_shown_of_runs_that_become_known_at_once(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    runs: int,
    shown: int,
) -> None:
    """As in a flood of changes: automations see at least the last of them."""

    def toggle(*names: str) -> None:
        for event in ("started", "ended"):
            for name in names:
                plex.announce(event, parent(uuid=name, title=name))

    for _ in range(4):
        toggle("CleanOldBundles")
    await settle(hass)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    for _ in range(runs):
        toggle("OptimizeDatabase", "BackupDatabase")
    await settle(hass)
    assert events == []
    await tick(0.25)
    states_written = [
        event.data["new_state"].state
        for event in events
        if event.data["entity_id"] in {OPTIMIZE, BACKUP}
    ]
    assert states_written == shown * ["running", "running", "idle", "idle"]
    activity = [event for event in events if event.data["entity_id"] == ACTIVITY]
    assert len(activity) == 4 * runs


async def test_running_at_start_up_is_no_news(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
) -> None:
    plex.websocket_refusal = None
    plex.butler.start("OptimizeDatabase")
    await hass.config_entries.async_setup(entry.entry_id)
    await until(hass, OPTIMIZE, "running")
    assert activity == []

    freezer.tick(30)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert activity == [told("finished")]


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

    await plex.start()
    plex.butler.start("CleanOldBundles")
    await tick(60)
    assert states(hass, OPTIMIZE, f"sensor.{OF_TASK}clean_old_bundles") == [
        "idle",
        "running",
    ]
    assert activity == [
        told("started"),
        told("finished"),
    ]


async def test_pushed_while_polls_fail(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """It is told, and recorded, at once: no poll may succeed before a restart."""
    plex.inject(Fault.FORBIDDEN, "/butler")
    for _ in range(2):
        await tick(301)
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    plex.butler.start("OptimizeDatabase")
    await settle(hass)
    plex.finish("OptimizeDatabase")
    await settle(hass)
    assert activity == [told("started"), told("finished", 0.0)]
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    assert live.runtime_data.history.last("OptimizeDatabase")
    plex.clear_faults()
    await tick(301)
    await until(hass, OPTIMIZE, "idle")
    assert len(activity) == 2


async def test_told_once(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """An outage changes no state, which automations would take for an event."""
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert len(activity) == 2
    await plex.stop()
    await until(hass, OPTIMIZE, STATE_UNAVAILABLE)
    await plex.start()
    await tick(60)
    await until(hass, OPTIMIZE, "idle")
    assert len(activity) == 2
