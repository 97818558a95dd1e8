"""Play random faults to many servers for minutes: `python -m tests.soak`.

A Home Assistant has the servers set up, which are in another process. Requests of users
go on while the servers fail in all ways. After a while to warm up, it is measured at
half time and at the end, each time when all servers are right again. The exit code is 1
if there is more of anything at the end than at half time, if a server is not right by
itself as soon as it should be, if its states are not what a fresh read gives, or if an
error is logged, but that a server was lost.
"""

from argparse import ArgumentParser
import asyncio
from dataclasses import dataclass
import gc
import logging
import random
import sys
import tracemalloc
from typing import override

from custom_components.plex_butler.const import FAST_POLLING, LOGGER
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tests.benchmarks.home import home_assistant
from tests.benchmarks.report import say, table
from tests.benchmarks.scale import Fleet, entry_of

from .chaos import Chaos
from .counts import CountingLoop, Counts, Memory, lowest, memory, more
from .truth import recovered, stale

SPEED = 5
# What is loaded and cached at first is not to be counted: this part of the time.
WARM_UP = 0.1
MAX_GROWTH = 2.0
"""MiB of allocated memory from half time to the end."""
# After a request, a server is polled more often for a while. Then its connections are
# kept open for 15 seconds, and closed at most 15 seconds later.
SETTLED = FAST_POLLING.total_seconds() + 40
# So long after a setting was changed elsewhere, it has been read.
READ = 3.0
# Home Assistant logs it once when a server goes away, as a user wants it.
LOSS = (LOGGER.name, "Error fetching ")


class Errors(logging.Handler):
    """Collects what is logged as an error, and counts the losses of servers."""

    def __init__(self) -> None:
        """Initialize the handler."""
        super().__init__(logging.ERROR)
        self.losses = 0
        self.messages: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        name, beginning = LOSS
        if record.name == name and message.startswith(beginning):
            self.losses += 1
        else:
            self.messages.append(f"{record.name}: {message}")


@dataclass(kw_only=True)
class Moment:
    """What was measured at half time, or at the end."""

    counts: Counts
    memory: Memory
    waited: float
    """Seconds until all servers were right."""


class Soak:
    """A Home Assistant, its servers, and what was found out so far."""

    def __init__(self, hass: HomeAssistant, fleet: Fleet, seed: int) -> None:
        """Initialize; nothing is set up yet."""
        self.wrong: list[str] = []
        self.entries = [*map(entry_of, fleet.servers)]
        self.chaos = Chaos(hass, fleet, self.entries, seed)
        self._hass = hass

    async def set_up(self) -> None:
        """Set all servers up."""
        await async_setup_component(self._hass, "homeassistant", {})
        for entry in self.entries:
            entry.add_to_hass(self._hass)
        entry_ids = [entry.entry_id for entry in self.entries]
        await asyncio.gather(*map(self._hass.config_entries.async_setup, entry_ids))

    async def measure(
        self, loop: CountingLoop, settled: float, before: Counts | None = None
    ) -> Moment:
        """Wait until all servers are right, and measure."""
        healed = loop.time()
        lost = await recovered(self._hass, self.entries)
        waited = loop.time() - healed
        # Only now, as a server is read when it pushes that a setting was changed.
        await self.chaos.close_windows()
        await asyncio.sleep(READ)
        self.wrong += [
            f"{self.entries[number].title}, {healed:.0f}: {reason}; "
            f"before: {'; '.join(self.chaos.latest[number])}"
            for number, reason in lost.items()
        ]
        counts = await lowest(self._hass, loop, settled, before)
        moment = Moment(counts=counts, memory=memory(), waited=waited)
        self.wrong += await stale(self._hass, self.entries)
        return moment


def main() -> int:
    """Run it; return the exit code."""
    parser = ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=22)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - no secret
    arguments = parser.parse_args()
    servers, tasks = arguments.servers, arguments.tasks
    say(f"{servers} servers x {tasks} tasks, seed {arguments.seed}")
    fleet = Fleet(servers, tasks, "--speed", str(SPEED))
    errors = Errors()
    logging.getLogger().addHandler(errors)
    tracemalloc.start()
    try:
        with asyncio.Runner(loop_factory=CountingLoop) as runner:
            wrong = runner.run(
                _soak(fleet, errors, arguments.minutes * 60, arguments.seed)
            )
    finally:
        fleet.close()
    gc.collect()  # Only now is an error of a task logged that nothing waited for.
    wrong += errors.messages
    for line in wrong:
        say(f"WRONG: {line}")
    return 1 if wrong else 0


async def _soak(fleet: Fleet, errors: Errors, seconds: float, seed: int) -> list[str]:
    """Play for so many seconds, print the figures, and return what is wrong."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, CountingLoop)
    settled = min(SETTLED, seconds)
    async with home_assistant() as hass:
        soak = Soak(hass, fleet, seed)
        await soak.set_up()
        await soak.chaos.play(seconds * WARM_UP)
        await soak.measure(loop, settled)
        await soak.chaos.play(seconds / 2)
        half = await soak.measure(loop, settled)
        await soak.chaos.play(seconds / 2)
        end = await soak.measure(loop, SETTLED, half.counts)
        for entry in soak.entries:
            await hass.config_entries.async_unload(entry.entry_id)
    _print(soak.chaos, half, end, errors)
    leaked = more(half.counts, end.counts) or {}
    wrong = soak.wrong + [
        f"{number} {kind}, {half.counts[kind]} before"
        for kind, number in leaked.items()
    ]
    if (growth := end.memory.allocated - half.memory.allocated) >= MAX_GROWTH:
        wrong.append(f"memory grew by {growth:.2f} MiB")
    return wrong


def _print(chaos: Chaos, half: Moment, end: Moment, errors: Errors) -> None:
    for name, happened in (("happened", chaos.happened), ("refused", chaos.refused)):
        kinds = ", ".join(f"{kind} {times}" for kind, times in happened.most_common())
        say(f"{happened.total()} {name}: {kinds}")
    say(
        f"{errors.losses} losses of a server logged, {len(errors.messages)} other errors"
    )
    say()
    moments = (half, end)
    table(
        ("", "half time", "end"),
        (
            *(
                (kind, *(str(one.counts[kind]) for one in moments))
                for kind in half.counts
            ),
            ("memory, MiB", *(f"{one.memory.allocated:.2f}" for one in moments)),
            ("resident, MiB", *(f"{one.memory.resident:.1f}" for one in moments)),
            ("seconds until all right", *(f"{one.waited:.0f}" for one in moments)),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
