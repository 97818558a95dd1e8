"""Many simulated servers in a process of their own: `python -m tests.benchmarks.fleet`.

It prints one line of JSON about the servers. Each line it then reads is a number of
frames: so many changes of progress a second does each server push from then on. An
empty line changes nothing. It answers each with the number of frames pushed so far.
"""

from argparse import ArgumentParser
import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count, cycle
import json
import sys
from typing import Any

from tests.simulator import PlexSimulator, SimulatedTask, default_tasks

from .report import say

RUNNING = "OptimizeDatabase"
# So much later than due may frames be pushed (seconds).
LATE = 0.01


@dataclass
class Pushed:
    """How many frames were pushed."""

    frames: int = 0


def main() -> None:
    """Serve until the input ends."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.fleet")
    parser.add_argument("servers", type=int)
    parser.add_argument("tasks", type=int)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.servers, arguments.tasks))


def _tasks(count: int) -> list[SimulatedTask]:
    tasks = [*default_tasks().values()]
    more = range(len(tasks), count)
    return tasks + [SimulatedTask(f"Task{n}", f"Task {n}", "One more", 1) for n in more]


async def _serve(servers: int, tasks: int) -> None:
    async with AsyncExitStack() as stack:
        fleet = [
            await stack.enter_async_context(
                PlexSimulator(
                    name=f"Server {number}",
                    machine_identifier=f"{number:040x}",
                    tasks=_tasks(tasks),
                )
            )
            for number in range(servers)
        ]
        say(json.dumps([_about(plex) for plex in fleet]))
        await _obey(fleet)


def _about(plex: PlexSimulator) -> dict[str, Any]:
    return {
        "name": plex.name,
        "machine_identifier": plex.machine_identifier,
        "url": plex.url,
        "token": plex.token,
    }


async def _obey(fleet: list[PlexSimulator]) -> None:
    """Push as many frames as the last line read says."""
    pushed = Pushed()
    pushing: asyncio.Task[None] | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip():
            if pushing:
                pushing.cancel()
                for plex in fleet:
                    plex.finish(RUNNING)
            pushing = None
            if rate := int(line):
                for plex in fleet:
                    plex.butler.start(RUNNING)
                pushing = asyncio.create_task(_push(fleet, rate, pushed))
        say(str(pushed.frames))
    if pushing:
        pushing.cancel()


async def _push(fleet: list[PlexSimulator], rate: int, pushed: Pushed) -> None:
    """Push changes of progress, one server after the other, evenly over each second.

    What a pause of this process makes late is left out: it would come all at once.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    for plex, number in zip(cycle(fleet), count(), strict=False):
        plex.report_progress(number // len(fleet) % 99 + 0.5)
        pushed.frames += 1
        now = loop.time()
        due = max(due + 1 / rate / len(fleet), now - LATE)
        if due > now:
            await asyncio.sleep(due - now)


if __name__ == "__main__":
    main()
