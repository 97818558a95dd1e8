"""Whatever happens, in whatever order: in the end, entities and history are right."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from itertools import groupby, pairwise
import logging
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex import connection
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .common import OF_TASK, OTHER_MACHINE, Tick, make_entry, settle
from .simulator import Fault, PlexSimulator, RowMode, RunShape, SimulatedTask
from .simulator.server import MACHINE_IDENTIFIER

TASKS = {
    name: SimulatedTask(name, title, "", 1)
    for name, title in {
        "BackupDatabase": "Backup Database",
        "OptimizeDatabase": "Optimize Database",
        "GenerateChapterThumbs": "Generate Chapter Thumbnails",
    }.items()
}
BUTTONS = [
    f"button.{OF_TASK}{task.lower().replace(' ', '_')}_{action}"
    for task in ("Backup Database", "Optimize Database")
    for action in ("start", "stop")
] + ["button.media_server_start_all_tasks", "button.media_server_stop_all_tasks"]
# What is read from the server, or from the history.
DOMAINS = {
    Platform.BINARY_SENSOR,
    Platform.CALENDAR,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
}
# Recovery takes as long as the longest time between two tries.
RECOVERY = [16, 61, 61, 301, 301, 901, 5, 5]


class Home:
    """A server and its entry, to which anything may happen."""

    def __init__(self, hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
        self.hass = hass
        self.plex = plex
        self.tick = tick
        self.entry = make_entry(plex)
        self.machine = plex.machine_identifier
        self.entry.add_to_hass(hass)

    async def act(self, action: Awaitable[object]) -> None:
        """See an action through, also one that the server does not answer."""
        task = asyncio.ensure_future(action)
        await settle(self.hass)
        while not task.done():
            await self.tick(16)
        with suppress(HomeAssistantError):
            await task

    async def setup(self) -> None:
        await self.act(self.hass.config_entries.async_setup(self.entry.entry_id))

    async def reload(self) -> None:
        await self.act(self.hass.config_entries.async_reload(self.entry.entry_id))

    async def press(self, button: str) -> None:
        await self.act(
            self.hass.services.async_call(
                "button", "press", {"entity_id": button}, blocking=True
            )
        )

    async def turn(self, action: str) -> None:
        entity_id = f"switch.{OF_TASK}backup_database_enabled"
        await self.act(
            self.hass.services.async_call(
                "switch", action, {"entity_id": entity_id}, blocking=True
            )
        )

    async def set_back(self, seconds: float) -> None:
        """Set the clock back. Nothing tells an entity so, until it is written."""
        await self.tick(-seconds)
        if self.entry.state is ConfigEntryState.LOADED:
            self.write()

    async def begin(self, name: str) -> None:
        """Let the server start a task by itself."""
        self.plex.butler.start(name)

    async def finish(self, name: str) -> None:
        with suppress(ValueError):
            self.plex.finish(name)

    async def progress(self, percent: float) -> None:
        with suppress(ValueError):
            self.plex.report_progress(percent)

    async def list_tasks(self, *names: str) -> None:
        self.plex.tasks = {name: TASKS[name] for name in names}

    async def change(self, setting: str, value: str) -> None:
        self.plex.change_settings(**{setting: value})

    async def fail(self, fault: Fault, path: str | None, times: int | None) -> None:
        self.plex.inject(fault, path=path, times=times)

    async def answer_as(self, machine: str) -> None:
        """Let another server answer, or the right one."""
        self.plex.machine_identifier = machine

    async def cut(self, refusal: int | None) -> None:
        """Drop the websockets, and refuse new ones."""
        self.plex.websocket_refusal = refusal
        self.plex.kick()

    async def outage(self, seconds: float, button: str) -> None:
        """Let the server be off the network, and lose its runs."""
        await self.plex.stop()
        await self.press(button)
        await self.tick(seconds)
        await self.plex.start()

    async def mend(self) -> None:
        """Let the server answer as it should, until all has recovered."""
        self.plex.clear_faults()
        self.plex.machine_identifier = self.machine
        self.plex.websocket_refusal = None
        runs = self.plex.butler.running.values()
        for name in [run.name for run in runs if run.stopping]:
            self.plex.finish(name)
        for seconds in RECOVERY:
            await self.tick(seconds)

    def check_written(self) -> None:
        """See that no entity would write another state than the one it wrote last."""
        if self.entry.state is not ConfigEntryState.LOADED:
            return
        written = self.written()
        self.write()
        assert self.written() == written

    def write(self) -> None:
        """Have all entities write their states."""
        server = self.entry.runtime_data
        for coordinator in (server.butler, server.settings):
            DataUpdateCoordinator.async_update_listeners(coordinator)

    def written(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return the states of all entities, with their attributes.

        A calendar's start is another one while the clock is set back to before it.
        """
        return {
            state.entity_id: (
                state.state,
                {
                    key: value
                    for key, value in state.attributes.items()
                    if key != "start_time"
                },
            )
            for state in self.hass.states.async_all()
        }

    def states(self) -> dict[str, str]:
        """Return the states of the entities, as far as they are about the server."""
        entries = er.async_entries_for_config_entry(
            er.async_get(self.hass), self.entry.entry_id
        )
        known = [
            self.hass.states.get(e.entity_id) for e in entries if e.domain in DOMAINS
        ]
        return {state.entity_id: state.state for state in known if state}

    def check(self, *, in_order: bool) -> None:
        """See that tasks are as they are on the server, and no run is recorded twice.

        Runs are `in_order` if the clock was never set back.
        """
        registry = er.async_get(self.hass)
        ids = {
            name: registry.async_get_entity_id(
                "sensor", DOMAIN, f"{self.machine}_{name}_status"
            )
            for name in self.plex.tasks
        }
        shown = {name: self.hass.states.get(ids[name] or "") for name in ids}
        assert {name for name, state in shown.items() if not state} == set()
        running = {name for name, state in shown.items() if state.state == "running"}
        assert running == self.plex.butler.running.keys() & ids.keys()

        now = dt_util.utcnow()
        past = dt_util.utc_from_timestamp(0)
        runs = self.entry.runtime_data.history.between(past, now)
        # A fault may answer a request to start a task with success, and start nothing.
        started = Counter(run.name for run in runs if run.started and run.observed)
        assert started <= Counter(self.plex.started)
        runs.sort(key=lambda run: (run.name, run.first_seen, run.finished or now))
        for _, of_task in groupby(runs, key=lambda run: run.name):
            for one, next_one in pairwise(of_task):
                over = one.finished and one.finished <= next_one.first_seen
                assert over or not in_order


# Those that take long to make say nothing here that others do not.
FAULTS = st.sampled_from(
    [*{*Fault} - {Fault.HUGE, Fault.HUGE_LENGTH, Fault.DEEP_JSON, Fault.GZIP_BOMB}]
)
PATHS = st.sampled_from([None, "/butler", "/activities", "/identity", "/:/prefs"])
NAMES = st.sampled_from([*TASKS])


def step(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), *arguments)


SET_BACK = ("set_back", 60)
STEPS = st.one_of(
    st.just(SET_BACK),
    step("tick", st.sampled_from([0, 0.5, 1, 5, 16, 61, 100, 400, 5000, 100_000])),
    step("press", st.sampled_from(BUTTONS)),
    step("begin", NAMES),
    step("finish", NAMES),
    step("fail", FAULTS, PATHS, st.none() | st.integers(1, 4)),
    step("answer_as", st.sampled_from([OTHER_MACHINE, MACHINE_IDENTIFIER])),
    step("cut", st.sampled_from([None, 404, 401])),
    step("outage", st.sampled_from([1, 61, 400]), st.sampled_from(BUTTONS)),
    step("reload"),
    step("turn", st.sampled_from(["turn_on", "turn_off"])),
    step("progress", st.sampled_from([-1, 0, 50, 100])),
    step("list_tasks", *[NAMES] * 2),
    step("change", st.just("ButlerStartHour"), st.sampled_from(["1", "23"])),
    step("change", st.just("ButlerTaskOptimizeDatabase"), st.sampled_from(["0", "1"])),
)


# Each example sets up an entry twice.
@pytest.mark.timeout(1800)
@settings(max_examples=max(settings().max_examples // 20, 1))
@given(
    steps=st.lists(STEPS, max_size=15),
    shape=st.sampled_from([RunShape.SUB_ACTIVITIES, RunShape.BOTH]),
    row_mode=st.sampled_from(RowMode),
)
async def test_in_the_end_all_is_right(
    hass: HomeAssistant,
    socket_enabled: None,
    tick: Tick,
    no_pause: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    steps: list[tuple[Any, ...]],
    shape: RunShape,
    row_mode: RowMode,
) -> None:
    # A leap of the clock leaves no time for an answer to a ping.
    monkeypatch.setattr(connection, "HEARTBEAT", 1e9)
    caplog.clear()
    # Debug mode takes as long as all else.
    hass.loop.set_debug(enabled=False)
    async with PlexSimulator(tasks=TASKS) as plex:
        plex.shape, plex.row_mode = shape, row_mode
        home = Home(hass, plex, tick)
        try:
            await home.setup()
            for name, *arguments in steps:
                await getattr(home, name)(*arguments)
                home.check_written()
            await home.mend()

            assert home.entry.state is ConfigEntryState.LOADED
            in_order = SET_BACK not in steps
            home.check(in_order=in_order)
            states = home.states()
            await home.reload()
            await home.tick(1)

            home.check(in_order=in_order)
            assert home.states() == states
        finally:
            await hass.config_entries.async_remove(home.entry.entry_id)
            await settle(hass)
    assert [
        r for r in caplog.records if r.exc_info and r.levelno >= logging.ERROR
    ] == []
