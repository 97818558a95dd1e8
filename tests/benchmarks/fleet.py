"""Many simulated servers in a process of their own: `python -m tests.benchmarks.fleet`.

It prints one line of JSON about the servers. Each line it then reads is a number of
frames: so many changes of progress a second does each server push from then on.
"""

from argparse import ArgumentParser
import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
import json
import sys
from typing import Any

from tests.simulator import PlexSimulator, SimulatedTask, default_tasks

from .report import say

RUNNING = "OptimizeDatabase"
# The largest number of frames that a pause of the sender makes late.
STEP = 0.002


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
        if pushing := await _obey(fleet):
            pushing.cancel()


def _about(plex: PlexSimulator) -> dict[str, Any]:
    return {
        "name": plex.name,
        "machine_identifier": plex.machine_identifier,
        "url": plex.url,
        "token": plex.token,
    }


async def _obey(fleet: list[PlexSimulator]) -> asyncio.Task[None] | None:
    """Push as many frames as the last line read says; return what pushes at the end."""
    pushing: asyncio.Task[None] | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        if pushing:
            pushing.cancel()
            for plex in fleet:
                plex.finish(RUNNING)
        pushing = None
        if rate := int(line):
            for plex in fleet:
                plex.butler.start(RUNNING)
            pushing = asyncio.create_task(_push(fleet, rate))
        say("done")
    return pushing


async def _push(fleet: Iterable[PlexSimulator], rate: int) -> None:
    """Push changes of progress, one server after the other, evenly over each second."""
    fleet = [*fleet]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    sent = 0
    while True:
        while sent < (loop.time() - begun) * rate * len(fleet):
            turn, number = divmod(sent, len(fleet))
            fleet[number].report_progress(turn % 99 + 0.5)
            sent += 1
        await asyncio.sleep(STEP)


if __name__ == "__main__":
    main()
