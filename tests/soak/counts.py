"""Counts what must not become more while Home Assistant runs."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
import gc
from pathlib import Path
import tracemalloc
from typing import Any, override
from weakref import WeakSet

from custom_components.plex_butler.coordinator import ButlerCoordinator
from custom_components.plex_butler.entity import ButlerEntity
from custom_components.plex_butler.settings import ButlerSettingsCoordinator
from homeassistant.core import HomeAssistant
from homeassistant.helpers.dispatcher import DATA_DISPATCHER

MIB = 2**20
# One count of what comes and goes by itself says little: the lowest of many is taken.
COUNT_INTERVAL = 0.5
OURS = (ButlerCoordinator, ButlerSettingsCoordinator, ButlerEntity)

type Counts = dict[str, int]


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that knows how many timers are set."""

    def __init__(self) -> None:
        """Initialize the loop."""
        self._timers: WeakSet[asyncio.TimerHandle] = WeakSet()
        super().__init__()

    @override
    def call_at(self, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timer = super().call_at(*args, **kwargs)
        self._timers.add(timer)
        return timer

    @property
    def timers(self) -> int:
        """The number of timers that have neither gone off nor been cancelled."""
        now = self.time()
        return sum(not one.cancelled() and one.when() > now for one in self._timers)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What the process needs, in MiB."""

    allocated: float
    """By Python, as counted by tracemalloc."""
    resident: float


def memory() -> Memory:
    """Return what is needed when all garbage is collected."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    (resident,) = (line.split()[1] for line in status.splitlines() if "VmRSS" in line)
    return Memory(
        allocated=tracemalloc.get_traced_memory()[0] / MIB,
        resident=int(resident) * 1024 / MIB,
    )


def count(hass: HomeAssistant, loop: CountingLoop) -> Counts:
    """Return how many there are of each kind now."""
    ours = [one for one in gc.get_objects() if isinstance(one, OURS)]
    # Home Assistant offers no other way to see the listeners of a coordinator.
    listeners = [vars(one).get("_listeners", ()) for one in ours]
    files = _open_files()
    return {
        "tasks": len(asyncio.all_tasks()),
        "timers": loop.timers,
        "sockets": sum(file.startswith("socket:") for file in files),
        "open files": len(files),
        "listeners of events": sum(hass.bus.async_listeners().values()),
        "listeners of signals": sum(map(len, hass.data[DATA_DISPATCHER].values())),
        "listeners of coordinators": sum(map(len, listeners)),
        "coordinators and entities": len(ours),
    }


async def lowest(
    hass: HomeAssistant, loop: CountingLoop, seconds: float, wanted: Counts | None
) -> Counts:
    """Return the lowest counts in some time, which ends once they are the wanted ones."""
    gc.collect()
    end = loop.time() + seconds
    counts = count(hass, loop)
    while loop.time() < end and more(wanted, counts) != {}:
        await asyncio.sleep(COUNT_INTERVAL)
        now = count(hass, loop)
        counts = {key: min(number, now[key]) for key, number in counts.items()}
    return counts


def more(before: Counts | None, after: Mapping[str, int]) -> Counts | None:
    """Return of what there is more than before; None if that is not known."""
    if before is None:
        return None
    return {key: number for key, number in after.items() if number > before[key]}


def _open_files() -> list[str]:
    """Return what the descriptors of this process refer to."""
    files = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # That by which the folder is read is closed again.
            files.append(str(path.readlink()))
    return files
