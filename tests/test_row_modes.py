"""Runs on a server, in each of the ways in which its Butler's row may show them."""

from itertools import product
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.plex_butler.plex import connection
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant

from .common import (
    MAINTENANCE,
    OPTIMIZE,
    PROGRESS,
    RUNNING_TASKS,
    Tick,
    parent,
    press,
    settle,
    start_and_wait,
    states,
    until,
)
from .simulator import PlexSimulator, RowMode, RunShape

# So many tasks that one more does not move the rounded figure.
MANY = 300
MODES = [
    *product(RowMode, RunShape, [5]),
    *product(RowMode, [RunShape.PARENT_ONLY], [0, MANY]),
]

pytestmark = pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")


@pytest.fixture(params=[True, False], ids=["stream", "polled"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Whether the server has a websocket."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(
    params=MODES, ids=lambda mode: f"{mode[0].name}-{mode[1].name}-{mode[2]}"
)
async def shown(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    *,
    stream: bool,
) -> bool:
    """Set up a server in its maintenance window; return whether a run can be seen."""
    monkeypatch.setattr(connection, "HEARTBEAT", 1e9)
    row_mode, plex.shape, plex.registered_before = request.param
    plex.hour = 3
    plex.row_mode = row_mode
    plex.stop_delay = None
    plex.websocket_refusal = None if stream else 404
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]
    return plex.registered_before < MANY


async def test_started_task_of_three_seconds(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, *, stream: bool, shown: bool
) -> None:
    """It is waited for, and ends with its duration within ten seconds of its end."""
    await tick(100)
    waiting = start_and_wait(hass, OPTIMIZE)
    await until(hass, OPTIMIZE, "running")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["on", "1"]
    for _ in range(3):
        await tick(1)
    assert waiting.done() is not shown
    plex.finish("OptimizeDatabase")
    await settle(hass)
    for _ in range(10):
        await tick(1)
    run = waiting.result()[OPTIMIZE]
    assert (run["result"], run["observed"]) == ("finished", shown)
    if shown:
        # A poll sees it up to five seconds later.
        assert 3 <= run["duration"] <= (3 if stream else 8)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]


async def test_run_started_by_the_server(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, *, shown: bool
) -> None:
    plex.butler.start("OptimizeDatabase")
    await settle(hass)
    await tick(60)
    assert states(hass, MAINTENANCE) == ["on" if shown else "off"]
    named = plex.shape is not RunShape.PARENT_ONLY
    assert states(hass, OPTIMIZE) == ["running" if named else "idle"]
    plex.finish("OptimizeDatabase")
    await settle(hass)
    for _ in range(10):
        await tick(1)
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]
    assert states(hass, PROGRESS) == ["unknown"]


@pytest.mark.usefixtures("shown")
async def test_running_tasks_are_known_in_runs_of_less_than_a_second(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    for ours in (True, False):
        if ours:
            await press(hass, "optimize_database_start")
        else:
            plex.butler.start("OptimizeDatabase")
        await settle(hass)
        await tick(0.4)
        plex.finish("OptimizeDatabase")
        await settle(hass)
        for _ in range(15):
            await tick(1)
    written = [e for e in events if e.data["entity_id"] == RUNNING_TASKS]
    assert {event.data["new_state"].state for event in written} == {"0", "1"}


@pytest.mark.parametrize("kind", ["media.subscription.sync", "library.update.section"])
@pytest.mark.parametrize("row_mode", RowMode, ids=lambda mode: mode.name)
@pytest.mark.parametrize("refusal", [None, 404], ids=["stream", "polled"])
async def test_row_among_many_other_activities(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    kind: str,
    row_mode: RowMode,
    refusal: int | None,
) -> None:
    others: list[dict[str, Any]] = [
        parent(uuid=str(number), type=kind, title=f"Scanning {number}")
        for number in range(1500)
    ]
    plex.shape = RunShape.SUBTITLE
    plex.row_mode = row_mode
    plex.websocket_refusal = refusal
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    for other in others:
        plex.announce("started", other)
    if refusal:
        plex.activities = others
        await tick(60)
    else:
        await settle(hass)
    plex.butler.start("OptimizeDatabase")
    if refusal:
        # The server lists the Butler's row last.
        plex.activities = [*others, *plex.run_activities]
        plex.shape = RunShape.PARENT_ONLY
        await tick(60)
    await until(hass, MAINTENANCE, "on")
    assert states(hass, OPTIMIZE) == ["running"]
