"""Many simulated servers in a process of their own: `python -m tests.benchmarks.fleet`.

It prints one line of JSON about the servers. Each line it then reads is JSON, too: a
number of frames (so many changes of progress a second does each server push from then
on), null, which changes nothing, or a list with the number of a server, what happens to
it and a dice (0 to 1), or that it is healed. It answers each with the number of frames
pushed so far.
"""

from argparse import ArgumentParser
import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count, cycle
import json
import sys
from typing import Any

from tests.simulator import Fault, PlexSimulator, SimulatedTask, default_tasks

from .report import say

RUNNING = "OptimizeDatabase"
# So much later than due may frames be pushed (seconds).
LATE = 0.01
# Between two attempts to listen (seconds).
PAUSE = 0.002


@dataclass
class Pushed:
    """How many frames were pushed."""

    frames: int = 0


def main() -> None:
    """Serve until the input ends."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.fleet")
    parser.add_argument("servers", type=int)
    parser.add_argument("tasks", type=int)
    parser.add_argument("--speed", type=float, help="let runs end, so much faster")
    arguments = parser.parse_args()
    tasks = _tasks(arguments.tasks, arguments.speed)
    asyncio.run(_serve(arguments.servers, tasks))


def _tasks(count: int, speed: float | None) -> list[SimulatedTask]:
    tasks = [*default_tasks(speed).values()]
    more = range(len(tasks), count)
    return tasks[:count] + [
        SimulatedTask(f"Task{n}", f"Task {n}", "One more", 1) for n in more
    ]


async def _serve(servers: int, tasks: list[SimulatedTask]) -> None:
    async with AsyncExitStack() as stack:
        fleet = [
            await stack.enter_async_context(
                PlexSimulator(
                    name=f"Server {number}",
                    machine_identifier=f"{number:040x}",
                    tasks=tasks,
                )
            )
            for number in range(servers)
        ]
        say(json.dumps([_about(plex) for plex in fleet]))
        await _obey(fleet, tasks)


def _about(plex: PlexSimulator) -> dict[str, Any]:
    return {
        "name": plex.name,
        "machine_identifier": plex.machine_identifier,
        "url": plex.url,
        "token": plex.token,
    }


async def _obey(fleet: list[PlexSimulator], tasks: list[SimulatedTask]) -> None:
    """Do what each line says, and say when that is done."""
    pushed = Pushed()
    pushing: asyncio.Task[None] | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        match json.loads(line):
            case [int(number), "heal"]:
                await _heal(fleet[number], tasks)
            case [int(number), str(kind), float(dice)]:
                await _disturb(fleet[number], kind, dice)
            case int(rate):
                pushing = _push_from_now_on(fleet, rate, pushing, pushed)
        say(str(pushed.frames))
    if pushing:
        pushing.cancel()


def _push_from_now_on(
    fleet: list[PlexSimulator],
    rate: int,
    pushing: asyncio.Task[None] | None,
    pushed: Pushed,
) -> asyncio.Task[None] | None:
    """Push as many frames as that."""
    if pushing:
        pushing.cancel()
        for plex in fleet:
            plex.finish(RUNNING)
    if not rate:
        return None
    for plex in fleet:
        plex.butler.start(RUNNING)
    return asyncio.create_task(_push(fleet, rate, pushed))


async def _disturb(plex: PlexSimulator, kind: str, dice: float) -> None:
    """Let something happen to a server; most of it lasts until it is healed."""
    plex.requests.clear()
    some = list(plex.tasks)[int(dice * len(plex.tasks))]
    match kind.split():
        case ["drop", *_]:
            await plex.stop()
        case ["answer", "with", fault]:
            plex.inject(Fault[fault])
        case ["close", *_]:
            plex.kick()
        case ["keep", *_]:
            plex.deaf = True
        case ["list", *_]:
            plex.butler.stop(some)
            plex.tasks = {name: plex.tasks[name] for name in plex.tasks if name != some}
        case ["rename"]:
            plex.change_settings(FriendlyName=f"Renamed {dice:.4}")
        case ["start", "a", "task"]:
            plex.butler.start(some)
        case ["start", "all", "tasks"]:
            plex.butler.start_all()
        case ["change", *_]:
            start, end = int(dice * 24), int(dice * 24 + 1) % 24
            plex.change_settings(ButlerStartHour=str(start), ButlerEndHour=str(end))
        case _:
            raise LookupError(kind)


async def _heal(plex: PlexSimulator, tasks: Iterable[SimulatedTask]) -> None:
    """Let a server be well and idle."""
    plex.deaf = False
    plex.clear_faults()
    plex.butler.stop_all()
    for name in [*plex.butler.running]:
        plex.finish(name)
    for task in tasks:
        plex.tasks.setdefault(task.name, task)
    await _start(plex)


async def _start(plex: PlexSimulator) -> None:
    """Listen, on a port that another process may use for a moment."""
    if plex.listening:
        return
    while True:
        try:
            await plex.start()
        except OSError:
            await asyncio.sleep(PAUSE)
        else:
            return


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
