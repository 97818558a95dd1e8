"""What importing adds to a running Home Assistant."""

import os
from pathlib import Path
from statistics import median
import subprocess
import sys

from .report import goal, say, table

OURS = "plex_butler"
PLEXAPI = "plexapi"
REPEATS = 5
MODULES = {
    OURS: "custom_components.plex_butler",
    PLEXAPI: "plexapi.server",
}
# What every running Home Assistant has imported by itself, or for other integrations.
# Whatever any installation of it loads costs this integration nothing.
BEFORE = """
import homeassistant.bootstrap, homeassistant.config_entries, homeassistant.loader
import homeassistant.components.diagnostics
from homeassistant.components import network, system_health
from homeassistant.components import binary_sensor, button, event, sensor
from homeassistant.components import select, switch
from homeassistant import helpers
import importlib, pkgutil, gc, sys
for module in pkgutil.iter_modules(helpers.__path__, "homeassistant.helpers."):
    importlib.import_module(module.name)
gc.collect()
"""
LOAD = """
def load(name):
    module = importlib.import_module(name)
    for child in pkgutil.walk_packages(getattr(module, "__path__", ()), name + "."):
        importlib.import_module(child.name)
"""
TIME = """
from resource import getpagesize
from time import perf_counter
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * getpagesize()
before, start = resident(), perf_counter()
load(sys.argv[1])
print((perf_counter() - start) * 1e3, (resident() - before) / 2**20)
"""
MEMORY = """
import tracemalloc
tracemalloc.start()
load(sys.argv[1])
gc.collect()
print(tracemalloc.get_traced_memory()[0] / 2**20)
"""


def run(root: Path) -> None:
    """Measure both and print the comparison."""
    say(f"Importing into a Home Assistant that runs: median of {REPEATS} processes")
    cost = {name: _cost(root, module) for name, module in MODULES.items()}
    table(
        ("", "ms", "MB resident", "MB allocated"),
        (
            (name, f"{ms:.1f}", f"{resident:.2f}", f"{allocated:.2f}")
            for name, (ms, resident, allocated) in cost.items()
        ),
    )
    ms, resident, allocated = cost[OURS]
    goal("import time", ms, 30, " ms")
    goal("import memory", max(resident, allocated), 1, " MB")


def _cost(root: Path, module: str) -> tuple[float, float, float]:
    """Return milliseconds, resident and allocated MB."""
    _measure(root, module, TIME)  # compiles what was not yet
    runs = [_measure(root, module, TIME) for _ in range(REPEATS)]
    ms, resident = (median(values) for values in zip(*runs, strict=True))
    # Counting allocations takes time, so it has a process of its own.
    (allocated,) = _measure(root, module, MEMORY)
    return ms, resident, allocated


def _measure(root: Path, module: str, how: str) -> list[float]:
    done = subprocess.run(  # noqa: S603 - only what stands above
        (sys.executable, "-c", BEFORE + LOAD + how, module),
        cwd=root,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(number) for number in done.stdout.split()]


def _environment() -> dict[str, str]:
    """Let modules be compiled once, as Home Assistant does, not for each process."""
    without = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if name != without}
