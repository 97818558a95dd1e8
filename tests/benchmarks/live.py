"""What the stream brings, and what it costs.

The server and Home Assistant share a process and an event loop, so the times are those
of both, and of the connection between them.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import gc
from itertools import cycle, islice, pairwise
from statistics import quantiles
from time import perf_counter, thread_time
from typing import Any
from unittest.mock import patch

from freezegun import freeze_time
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    async_fire_time_changed,
)

from custom_components.plex_butler.const import FLOOD_INTERVAL, PROGRESS_INTERVAL
from custom_components.plex_butler.plex import connection
from homeassistant.util import dt as dt_util
from tests.simulator.notifications import NOTIFICATIONS, frame

from .home import PATIENCE, Home, home
from .report import goal, say, table

EVENTS = 100
OTHERS = 200
UPDATES = 20
# More changes than that a second are a flood, in which states are written less often.
PAUSE = FLOOD_INTERVAL
HOUR = 3600
REPEATS = 100
BURST = 1000
BURST_SECONDS = 1.0
# At 100, the work may have ended.
FULL = 99
ELEMENTS = 11_000
TOGGLES = 22_500
CHUNK = 50
QUIET_SECONDS = 5
BLOCK = 50
# What two readings of a clock may lose (seconds).
ROUNDING = 1e-6
SETTLED = 2 * PROGRESS_INTERVAL

type Blocks = list[tuple[float, float]]
"""The milliseconds, and those of the CPU, that each turn of the loop takes."""
type Delays = dict[str, list[float]]
type Measured = tuple[dict[str, Delays], dict[str, int], Burst, dict[str, Blocks]]


@dataclass(kw_only=True)
class Burst:
    """What became of a burst of frames."""

    seconds: float
    progress: str
    """The id of its entity."""
    writes: dict[str, list[float]]
    """The moments each entity was written at."""
    changes: dict[str, int]
    """How many of those changed it."""
    late: float
    """Milliseconds from the last frame to the last write."""
    error: float
    """How far the last value is off."""


def run() -> None:
    """Measure all and print it."""
    delays, repeats, burst, blocks = asyncio.run(_in_real_time())
    _print_delays(delays)
    say()
    _print_blocks(blocks)
    say()
    _print_idle(*(_idle_hour(stream=stream) for stream in (True, False)))
    say()
    _print_writes(repeats, burst)


async def _in_real_time() -> Measured:
    async with home() as one, asyncio.timeout(30 * PATIENCE):
        quiet = await _delays(one)
        others = [_activity(str(n), "library.update.section") for n in range(OTHERS)]
        for other in others:
            one.plex.announce("started", other)
        busy = await _delays(one, others)
        for other in others:
            one.plex.announce("ended", other)
        repeats = await _repeat(one)
        burst = await _burst(one)
        blocks = await _flood(one)
    delays = {"": quiet, f", {OTHERS} other activities": busy}
    return delays, repeats, burst, blocks


def _activity(uuid: str, kind: str = "butler", progress: float = -1) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": kind,
        "cancellable": False,
        "userID": 1,
        "title": "Butler tasks" if kind == "butler" else "Scanning",
        "subtitle": "",
        "progress": progress,
    }


# From the server's event to the state


async def _delays(one: Home, others: list[dict[str, Any]] | None = None) -> Delays:
    """Start and finish tasks by turns; with other activities, after updates of them."""
    plex = one.plex
    names = cycle(name for name, task in plex.tasks.items() if task.enabled)
    delays: Delays = {"task's sensor": [], "task activity": []}
    gc.collect()
    for name in islice(names, EVENTS // 2):
        sensor = one.entity_id("sensor", f"{name}_status")
        for act, value in (
            (plex.butler.start, "running"),
            (plex.butler.finish, "idle"),
        ):
            for other in (others or [])[:UPDATES]:
                other["progress"] = (other["progress"] + 1) % 100
                plex.announce("updated", other)
            expected = (
                one.expect(sensor, value),
                one.expect(one.entity_id("event", "task_activity")),
            )
            begun = perf_counter()
            act(name)
            seen = await asyncio.wait_for(asyncio.gather(*expected), PATIENCE)
            for entity, moment in zip(delays, seen, strict=True):
                delays[entity].append((moment - begun) * 1000)
            await asyncio.sleep(PAUSE)
    return delays


def _print_delays(delays: dict[str, Delays]) -> None:
    say(f"From the server's event to the state: {EVENTS} starts and finishes")
    times = {
        entity + busy: values
        for busy, entities in delays.items()
        for entity, values in entities.items()
    }
    table(
        ("", "p50 ms", "p95 ms", "max ms"),
        (
            (name, *(f"{ms:.2f}" for ms in (_p(50, v), _p(95, v), max(v))))
            for name, v in times.items()
        ),
    )
    for name, values in times.items():
        goal(f"p95, {name}", _p(95, values), 50, " ms")


def _p(percent: int, values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


# Blocks of the event loop


async def _flood(one: Home) -> dict[str, Blocks]:
    """Measure how long the loop is blocked while a server floods its client."""
    backup = one.entity_id("sensor", "BackupDatabase_status")
    toggle = [_element(event, "OptimizeDatabase") for event in ("started", "ended")]
    started, ended = (
        _element(event, "BackupDatabase") for event in ("started", "ended")
    )
    one_frame = [_frame(started, *ELEMENTS // 2 * toggle)]
    many_frames = [*TOGGLES // 2 * [_frame(row) for row in toggle], _frame(ended)]

    async def send(frames: list[str], state: str) -> None:
        shown = one.expect(backup, state)
        for sent, text in enumerate(frames):
            one.plex.send_frame(text)
            if sent % CHUNK == 0:  # The server is not to block the loop, either.
                await asyncio.sleep(0)
        await asyncio.wait_for(shown, 10 * PATIENCE)

    # What is there before is not to be collected at a time that is measured.
    gc.freeze()
    blocks = {
        "quiet": await _blocks(asyncio.sleep(QUIET_SECONDS)),
        f"one frame of {ELEMENTS} elements": await _blocks(send(one_frame, "running")),
        f"{TOGGLES} frames": await _blocks(send(many_frames, "idle")),
    }
    gc.unfreeze()
    return blocks


def _element(event: str, task: str) -> dict[str, Any]:
    return {"event": event, "Activity": {"uuid": task, "title": task}}


def _frame(*elements: dict[str, Any]) -> str:
    return frame("activity", "ActivityNotification", [*elements])


async def _blocks(until: Coroutine[Any, Any, None]) -> Blocks:
    """Return how long each turn of the loop takes, for some time."""
    waiting = asyncio.create_task(until)
    blocks = []
    last = perf_counter(), thread_time()
    while not waiting.done():
        await asyncio.sleep(0)
        now = perf_counter(), thread_time()
        blocks.append(((now[0] - last[0]) * 1000, (now[1] - last[1]) * 1000))
        last = now
    await waiting
    return blocks


def _print_blocks(measured: dict[str, Blocks]) -> None:
    say("The longest block of the event loop, the simulated server's work included")
    quiet, _ = map(max, zip(*measured["quiet"], strict=True))
    rows = []
    for name, blocks in measured.items():
        times, cpu = zip(*blocks, strict=True)
        numbers = (sum(times) / 1000, max(times), max(cpu), max(times) / quiet)
        rows.append((name, *(f"{number:.2f}" for number in numbers)))
    table(("", "seconds", "max ms", "max CPU ms", "max x quiet"), rows)
    for name, blocks in measured.items():
        goal(f"longest block, {name}", max(cpu for _, cpu in blocks), BLOCK, " CPU ms")


# Requests while idle


def _idle_hour(*, stream: bool) -> tuple[int, int]:
    """Return the reads and the tries to connect the stream within an hour.

    The clock stands still but for steps of a second, each of them seen through.
    """
    with (
        freeze_time() as clock,
        # A leap of the clock leaves no time for an answer to a ping.
        patch.object(connection, "HEARTBEAT", 1e9),
        # Home Assistant has its own way to the real clock.
        patch.object(dt_util, "utcnow", lambda: datetime.now(UTC)),
    ):
        return asyncio.run(_idle(clock, stream=stream))


async def _idle(clock: Any, *, stream: bool) -> tuple[int, int]:
    async with home(stream=stream) as one:
        for seconds in (HOUR // 10, HOUR):  # the first is to get going
            one.plex.requests.clear()
            for _ in range(seconds):
                clock.tick(timedelta(seconds=1))
                async_fire_time_changed(one.hass)
                await one.settle()
        tries = sum(r.raw_path == NOTIFICATIONS for r in one.plex.requests)
        if one.plex.sockets != stream:
            raise LookupError("the stream is not as it should be")
        return len(one.plex.requests) - tries, tries


def _print_idle(with_stream: tuple[int, int], without: tuple[int, int]) -> None:
    say("Requests in an idle hour: the clock moved on by seconds")
    rows = {"stream up": with_stream, "no websocket": without}
    table(
        ("", "reads", "connects", "total", "x stream up"),
        (
            (
                name,
                *(str(number) for number in (*counts, sum(counts))),
                f"{sum(counts) / sum(with_stream):.2f}",
            )
            for name, counts in rows.items()
        ),
    )
    say(f"With the stream, {with_stream[0] / without[0]:.2f} x the reads without it")


# States written


async def _repeat(one: Home) -> dict[str, int]:
    """Count what each entity writes while nothing changes."""
    progress = await _begin(one, 7)
    one.start_over()
    for _ in range(REPEATS):
        one.plex.announce("updated", _activity("run", progress=7))
        await asyncio.sleep(BURST_SECONDS / REPEATS)
    await asyncio.sleep(SETTLED)
    written = {entity_id: len(at) for entity_id, at in one.writes.items()}
    # Frames keep their order: with this one, all have arrived.
    change = one.expect(progress, "8.0")
    one.plex.announce("updated", _activity("run", progress=8))
    await asyncio.wait_for(change, PATIENCE)
    await _end(one)
    return written


async def _burst(one: Home) -> Burst:
    """Let progress rise as fast as it may, evenly over a second."""
    progress = await _begin(one, 0)
    one.start_over()
    begun = perf_counter()
    for number in range(1, BURST + 1):
        frame = _activity("run", progress=number * FULL / BURST)
        one.plex.announce("updated", frame)
        due = begun + number * BURST_SECONDS / BURST
        await asyncio.sleep(max(0, due - perf_counter()))
    ended = perf_counter()
    await asyncio.sleep(SETTLED)
    writes = {entity_id: at.copy() for entity_id, at in one.writes.items()}
    changes = one.changes.copy()
    state = one.hass.states.get(progress)
    if state is None or progress not in writes:
        raise LookupError("no progress is shown")
    last = float(state.state)
    await _end(one)
    return Burst(
        seconds=ended - begun,
        progress=progress,
        writes=writes,
        changes=changes,
        late=(writes[progress][-1] - ended) * 1000,
        error=abs(last - FULL),
    )


async def _begin(one: Home, percent: float) -> str:
    """Let a run begin and what it leads to pass; return the id of its progress."""
    progress = one.entity_id("sensor", "progress")
    begun = one.expect(progress, f"{percent:.1f}")
    one.plex.announce("started", _activity("run", progress=percent))
    await asyncio.wait_for(begun, PATIENCE)
    await asyncio.sleep(SETTLED)
    return progress


async def _end(one: Home) -> None:
    ended = one.expect(one.entity_id("binary_sensor", "maintenance"), "off")
    one.plex.announce("ended", _activity("run"))
    await asyncio.wait_for(ended, PATIENCE)
    await asyncio.sleep(SETTLED)


def _print_writes(repeats: dict[str, int], burst: Burst) -> None:
    say(f"States written for {REPEATS} repeats, and for {BURST} changes, of progress")
    window = f"in any {PROGRESS_INTERVAL * 1000:g} ms"
    others = {*burst.writes, *repeats} - {burst.progress}
    table(
        ("", "repeats", "changes", "of them new", f"most {window}", "least ms between"),
        (
            (
                name,
                str(sum(repeats.get(one, 0) for one in entity_ids)),
                str(sum(len(burst.writes.get(one, ())) for one in entity_ids)),
                str(sum(burst.changes.get(one, 0) for one in entity_ids)),
                str(max(_most(burst.writes.get(one, [])) for one in entity_ids)),
                f"{min(_gaps(burst, entity_ids), default=float('nan')):.2f}",
            )
            for name, entity_ids in (
                ("progress", {burst.progress}),
                (f"{len(others)} others", others),
            )
            if entity_ids
        ),
    )
    say(
        f"{BURST} changes took {burst.seconds:.2f} s; "
        f"the last was written {burst.late:.0f} ms after it was sent"
    )
    goal("states written for repeats", sum(repeats.values()), 0)
    most = max(map(_most, burst.writes.values()))
    goal(f"states written by one entity {window}", most, 1)
    goal("last value, off by", burst.error, 0)


def _gaps(burst: Burst, entity_ids: set[str]) -> Iterator[float]:
    """Return the milliseconds between the writes of each entity."""
    for entity_id in entity_ids:
        for earlier, later in pairwise(burst.writes.get(entity_id, ())):
            yield (later - earlier) * 1000


def _most(moments: list[float]) -> int:
    """Return the largest number of moments within the interval, wherever it begins."""
    width = PROGRESS_INTERVAL - ROUNDING
    return max(
        (bisect_left(moments, at + width) - n for n, at in enumerate(moments)),
        default=0,
    )
