"""The time it takes to read the list of tasks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import gc
from statistics import median
from time import perf_counter, process_time
from typing import Any

import aiohttp
import orjson
from plex_api_client import PlexAPI
import plexapi.server

from custom_components.plex_butler.plex import PlexServer

from .report import goal, say, table

FLOOR = "aiohttp + orjson"
OURS = "this client"
FIRST = "this client, first read"
PEERS = ("plexapi", "plex-api-client")
TASKS = 22
WARM_UP = 50

type Batch = Callable[[int], object]


@dataclass
class Times:
    """Milliseconds a call, one value a round."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def measure(self, batch: Batch, count: int) -> None:
        """Add a round."""
        gc.collect()
        cpu, wall = process_time(), perf_counter()
        batch(count)
        self.cpu.append((process_time() - cpu) * 1000 / count)
        self.wall.append((perf_counter() - wall) * 1000 / count)


def run(url: str, token: str, *, rounds: int, count: int) -> None:
    """Measure every client and print the comparison."""
    with asyncio.Runner() as runner, PlexAPI(server_url=url, token=token) as generated:
        session = runner.run(_session())
        try:
            times = _measure(
                {
                    FLOOR: _batch(runner, _floor(session, url, token)),
                    OURS: _batch(runner, _ours(session, url, token)),
                    FIRST: _batch(runner, _first(session, url, token)),
                    PEERS[0]: _blocking(_plexapi(url, token)),
                    PEERS[1]: _blocking(_generated(generated)),
                },
                rounds,
                count,
            )
        finally:
            runner.run(session.close())
    _print(times, rounds, count)


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


def _floor(
    session: aiohttp.ClientSession, url: str, token: str
) -> Callable[[], Awaitable[object]]:
    headers = {"Accept": "application/json", "X-Plex-Token": token}

    async def call() -> int:
        async with session.get(f"{url}/butler", headers=headers) as response:
            return len(orjson.loads(await response.read())["ButlerTasks"]["ButlerTask"])

    return call


def _ours(
    session: aiohttp.ClientSession, url: str, token: str
) -> Callable[[], Awaitable[object]]:
    server = PlexServer(session, url, token)

    async def call() -> int:
        return len(await server.get_butler_tasks())

    return call


def _first(
    session: aiohttp.ClientSession, url: str, token: str
) -> Callable[[], Awaitable[object]]:
    """Parse every answer: the client parses no list that it has parsed before."""

    async def call() -> int:
        return len(await PlexServer(session, url, token).get_butler_tasks())

    return call


def _plexapi(url: str, token: str) -> Callable[[], object]:
    connect: Any = plexapi.server.PlexServer
    server = connect(url, token)
    return lambda: len(server.butlerTasks())


def _generated(api: Any) -> Callable[[], object]:
    return lambda: len(api.butler.get_tasks().object.butler_tasks.butler_task)


def _batch(runner: asyncio.Runner, call: Callable[[], Awaitable[object]]) -> Batch:
    async def batch(count: int) -> None:
        for _ in range(count):
            _check(await call())

    return lambda count: runner.run(batch(count))


def _blocking(call: Callable[[], object]) -> Batch:
    def batch(count: int) -> None:
        for _ in range(count):
            _check(call())

    return batch


def _check(tasks: object) -> None:
    if tasks != TASKS:
        raise LookupError(f"{tasks} tasks instead of {TASKS}")


def _measure(batches: dict[str, Batch], rounds: int, count: int) -> dict[str, Times]:
    """Take turns, so that noise meets all alike."""
    times = {name: Times() for name in batches}
    for batch in batches.values():
        batch(WARM_UP)
    for _ in range(rounds):
        for name, batch in batches.items():
            times[name].measure(batch, count)
    return times


def _print(times: dict[str, Times], rounds: int, count: int) -> None:
    say(f"get_butler_tasks, {TASKS} tasks: median of {rounds} rounds of {count} calls")
    floor, ours = times[FLOOR], times[OURS]
    table(
        ("", "CPU ms", "x floor", "wall ms", "x floor"),
        (
            (
                name,
                f"{median(one.cpu):.3f}",
                f"{_ratio(one.cpu, floor.cpu):.2f}",
                f"{median(one.wall):.3f}",
                f"{_ratio(one.wall, floor.wall):.2f}",
            )
            for name, one in times.items()
        ),
    )
    goal("CPU, of the floor", _ratio(ours.cpu, floor.cpu), 1.2, " x")
    for peer in PEERS:
        goal(f"CPU, of {peer}", _ratio(ours.cpu, times[peer].cpu), 0.2, " x")


def _ratio(ones: list[float], others: list[float]) -> float:
    """Compare within each round: what slows a whole round down cancels out."""
    return median(one / other for one, other in zip(ones, others, strict=True))
