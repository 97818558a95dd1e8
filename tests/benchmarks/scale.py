"""What many servers and many tasks cost.

A Home Assistant is set up with the servers, which are in another process, so that
neither their work nor their blocks of a loop are counted. Each number of servers and
tasks has processes of its own, so that none inherits the memory of another.
"""

from argparse import ArgumentParser
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
import gc
import json
from pathlib import Path
from selectors import DefaultSelector, SelectorKey
import subprocess
import sys
from time import perf_counter, process_time, thread_time
import tracemalloc
from typing import Any, override

from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
)

from custom_components.plex_butler.const import (
    DOMAIN,
    LIVE_INTERVAL,
    SETTINGS_INTERVAL,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.registry import SAVE_DELAY

from .home import home_assistant
from .report import goal, say, table

ROOT = Path(__file__).parents[2]
SIZES = ((1, 22), (20, 22), (100, 22), (1, 256))
RATES = (2, 20)
# So long is the cost measured of what goes on, and waited for what a change leads to.
SECONDS = 5.0
SETTLED = 2.0
PATIENCE = 300
BLOCK = 50
ADDING_BLOCK = 20
LINEAR = 1.5
MIB = 2**20


@dataclass(kw_only=True)
class Cost:
    """What a number of servers with a number of tasks costs."""

    servers: int
    tasks: int
    entities: int
    added: float
    """CPU milliseconds a server to set them up for the first time."""
    added_block: float
    """CPU milliseconds a server of the longest turn of the loop meanwhile."""
    restarted: float
    """The same to set them up again, with entities that are registered."""
    restarted_block: float
    read: float
    """CPU milliseconds to read the tasks of all servers once; they have not changed."""
    read_settings: float
    busy: dict[str, float]
    """CPU milliseconds a second, by the number of frames of each server in it."""
    frames: dict[str, float]
    """The frames that were really pushed in a second, by all servers."""
    blocks: dict[str, float]
    """CPU milliseconds of the longest turn of the loop in those seconds."""

    @property
    def name(self) -> str:
        """How it is shown."""
        return f"{self.servers} x {self.tasks} tasks"

    @property
    def idle(self) -> float:
        """CPU milliseconds a second without frames, reads included."""
        return (
            self.busy["0"]
            + self.read / LIVE_INTERVAL.total_seconds()
            + self.read_settings / SETTINGS_INTERVAL.total_seconds()
        )

    def frame(self, rate: int) -> float:
        """Return the CPU milliseconds that a frame costs."""
        return (self.busy[str(rate)] - self.busy["0"]) / self.frames[str(rate)]


class Turns(DefaultSelector):
    """Notes how long the event loop works before it waits again."""

    longest = 0.0
    _since: float | None = None

    @override
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if self._since is not None:
            self.longest = max(self.longest, (thread_time() - self._since) * 1000)
        events = super().select(timeout)
        self._since = thread_time()
        return events

    def start_over(self) -> None:
        """Forget the longest turn, and the one that goes on."""
        self.longest = 0.0
        self._since = None


class Fleet:
    """The servers, in their own process."""

    def __init__(self, servers: int, tasks: int, *options: str) -> None:
        """Start the process."""
        self._process = subprocess.Popen(  # noqa: S603 - only what stands here
            (
                *(sys.executable, "-m", "tests.benchmarks.fleet"),
                *map(str, (servers, tasks)),
                *options,
            ),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.servers: list[dict[str, str]] = json.loads(self._read())

    def _read(self) -> str:
        if self._process.stdout and (line := self._process.stdout.readline()):
            return line
        raise LookupError("the simulated servers did not start")

    def push(self, rate: int | None = None) -> int:
        """Let each server push so many changes of progress a second, if a number is given.

        Returns how many were pushed so far.
        """
        return self._ask(rate)

    def command(self, number: int, kind: str, *dice: float) -> None:
        """Let something happen to a server."""
        self._ask([number, kind, *dice])

    def _ask(self, line: object) -> int:
        if self._process.stdin:
            print(json.dumps(line), file=self._process.stdin, flush=True)
        return int(self._read())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def run() -> None:
    """Measure all and print it."""
    costs = [Cost(**_child(*size)) for size in SIZES]
    memory = [_child(*size, "--memory")["memory"] for size in SIZES]
    _print(costs, memory)


def _child(servers: int, tasks: int, *more: str) -> Any:
    """Return what a process of its own measures."""
    done = subprocess.run(  # noqa: S603 - only what stands here
        (
            *(sys.executable, "-m", "tests.benchmarks.scale"),
            *(str(servers), str(tasks), *more),
        ),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def main() -> None:
    """Measure one number of servers and tasks, and print it as JSON."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("servers", type=int)
    parser.add_argument("tasks", type=int)
    parser.add_argument("--memory", action="store_true", help="measure only that")
    arguments = parser.parse_args()
    turns = Turns()
    # One more, for what is loaded and cached with the first one.
    fleet = Fleet(arguments.servers + 1, arguments.tasks)
    try:
        with asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(turns)
        ) as runner:
            if arguments.memory:
                result: Any = {"memory": runner.run(_measure_memory(fleet))}
            else:
                result = asdict(runner.run(_measure(fleet, arguments.tasks, turns)))
    finally:
        fleet.close()
    say(json.dumps(result))


async def _measure_memory(fleet: Fleet) -> float:
    """Return the MiB that each server but the first one needs."""
    async with _home(fleet) as (hass, entries):
        gc.collect()
        tracemalloc.start()
        await _set_up(hass, entries)
        await asyncio.sleep(SETTLED)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / MIB / len(entries)


async def _measure(fleet: Fleet, tasks: int, turns: Turns) -> Cost:
    async with _home(fleet) as (hass, entries):
        before = len(hass.states.async_entity_ids())
        added, added_block = await _timed(turns, _set_up, hass, entries)
        entities = len(hass.states.async_entity_ids()) - before
        await asyncio.sleep(SETTLED)
        for entry in entries:
            await hass.config_entries.async_unload(entry.entry_id)
        await asyncio.sleep(SETTLED)
        # A restart has no entities to collect that were unloaded.
        gc.collect()
        gc.freeze()
        restarted, restarted_block = await _timed(turns, _set_up, hass, entries)
        # Home Assistant saves its registries so long after a change.
        await asyncio.sleep(SAVE_DELAY + SETTLED)
        # What lives long is not to be collected at a time that is measured.
        gc.collect()
        gc.freeze()
        read, _ = await _timed(turns, _refresh, entries, "butler")
        read_settings, _ = await _timed(turns, _refresh, entries, "settings")
        busy, frames, blocks = {}, {}, {}
        for rate in (0, *RATES):
            await asyncio.to_thread(fleet.push, rate)
            await asyncio.sleep(SETTLED)
            before = await asyncio.to_thread(fleet.push)
            cpu, block = await _timed(turns, asyncio.sleep, SECONDS)
            pushed = await asyncio.to_thread(fleet.push) - before
            busy[str(rate)], blocks[str(rate)] = cpu * 1000 / SECONDS, block
            frames[str(rate)] = pushed / SECONDS
    return Cost(
        servers=len(entries),
        tasks=tasks,
        entities=entities,
        added=added * 1000 / len(entries),
        added_block=added_block / len(entries),
        restarted=restarted * 1000 / len(entries),
        restarted_block=restarted_block / len(entries),
        read=read * 1000,
        read_settings=read_settings * 1000,
        busy=busy,
        frames=frames,
        blocks=blocks,
    )


def entry_of(server: dict[str, str]) -> MockConfigEntry:
    """Return the config entry of a server of a fleet."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=server["name"],
        unique_id=server["machine_identifier"],
        minor_version=3,
        data={
            CONF_URL: server["url"],
            CONF_TOKEN: server["token"],
            CONF_VERIFY_SSL: True,
        },
    )


@asynccontextmanager
async def _home(
    fleet: Fleet,
) -> AsyncIterator[tuple[HomeAssistant, list[MockConfigEntry]]]:
    """Run Home Assistant with the first server set up, and the others not yet."""
    async with home_assistant() as hass:
        first, *others = map(entry_of, fleet.servers)
        first.add_to_hass(hass)
        await _set_up(hass, [first])
        for entry in others:
            entry.add_to_hass(hass)
        await asyncio.sleep(SETTLED)
        # What Home Assistant holds by itself is not to be collected while it is measured.
        gc.collect()
        gc.freeze()
        yield hass, others
        for entry in (first, *others):
            await hass.config_entries.async_unload(entry.entry_id)


async def _timed(
    turns: Turns, call: Callable[..., Any], *arguments: Any
) -> tuple[float, float]:
    """Return the CPU seconds of a call, and the longest turn of the loop in it."""
    turns.start_over()
    begun = process_time()
    await call(*arguments)
    return process_time() - begun, turns.longest


async def _set_up(hass: HomeAssistant, entries: list[MockConfigEntry]) -> None:
    """Set up entries, all at once as at a start, until each hears from its server."""
    done = await asyncio.gather(
        *(hass.config_entries.async_setup(entry.entry_id) for entry in entries)
    )
    if not all(done):
        raise LookupError("the integration cannot be set up")
    begun = perf_counter()
    while not all(entry.runtime_data.butler.stream_up for entry in entries):
        if perf_counter() - begun > PATIENCE:
            raise LookupError("a server does not push changes")
        await asyncio.sleep(0.01)


async def _refresh(entries: list[MockConfigEntry], kind: str) -> None:
    for entry in entries:
        await getattr(entry.runtime_data, kind).async_refresh()


def _print(costs: list[Cost], memory: list[float]) -> None:
    say("CPU time and allocated memory of so many servers and tasks")
    table(
        (
            "",
            "entities",
            "MiB/server",
            "add ms/server",
            "restart ms/server",
            "idle ms/s",
            *(f"{rate} frames/s ms/s" for rate in RATES),
            *(
                f"{what} {rate}"
                for rate in RATES
                for what in ("frames/s at", "ms/frame at")
            ),
        ),
        (
            (
                cost.name,
                str(cost.entities),
                f"{mib:.2f}",
                f"{cost.added:.1f}",
                f"{cost.restarted:.1f}",
                f"{cost.idle:.2f}",
                *(f"{cost.busy[str(rate)]:.1f}" for rate in RATES),
                *(
                    text
                    for rate in RATES
                    for text in (
                        f"{cost.frames[str(rate)]:.0f}",
                        f"{cost.frame(rate):.3f}",
                    )
                ),
            )
            for cost, mib in zip(costs, memory, strict=True)
        ),
    )
    say()
    say("The longest turn of the event loop, CPU ms; of the first two for each server")
    table(
        ("", "add", "restart", "idle", *(f"{rate} frames/s" for rate in RATES)),
        (
            (
                cost.name,
                f"{cost.added_block:.1f}",
                f"{cost.restarted_block:.1f}",
                *(f"{block:.1f}" for block in cost.blocks.values()),
            )
            for cost in costs
        ),
    )
    say()
    one, _, many, large = costs
    goal("memory of a server among many", memory[2] / memory[0], LINEAR, " x")
    goal("CPU to add a server to many", many.added / one.added, LINEAR, " x")
    goal("CPU to restart with many", many.restarted / one.restarted, LINEAR, " x")
    for rate in RATES:
        frame, of_many = one.frame(rate), many.frame(rate)
        goal(f"a frame of many servers, {rate} a second", of_many / frame, LINEAR, " x")
        of_large = large.frame(rate) / frame
        goal(f"a frame with many tasks, {rate} a second", of_large, LINEAR, " x")
    for cost in costs:
        adding = max(cost.added_block, cost.restarted_block)
        goal(f"block for each server added, {cost.name}", adding, ADDING_BLOCK, " ms")
        goal(f"longest block, {cost.name}", max(cost.blocks.values()), BLOCK, " ms")


if __name__ == "__main__":
    main()
