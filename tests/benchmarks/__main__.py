"""Measure and compare: `python -m tests.benchmarks`.

Reads the list of 22 tasks again and again from one simulated server in a process of
its own, imports the integration into fresh processes, lets a Home Assistant listen to a
simulated server, and sets up one with up to 100 servers. Prints what that costs and
which goals are met. Speed is no test: the exit code tells only whether it could run.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import subprocess
import sys

from . import calls, imports, live, scale
from .report import say

ROOT = Path(__file__).parents[2]


def main() -> str | None:
    """Run all; return why that was not possible."""
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="?", choices=PARTS, help="measure this only, instead of all"
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--calls", type=int, default=100, help="calls a round")
    arguments = parser.parse_args()
    try:
        for number, part in enumerate([arguments.part] if arguments.part else PARTS):
            if number:
                say()
            PARTS[part](arguments)
    except (OSError, subprocess.SubprocessError, LookupError) as err:
        return f"Cannot measure: {err}"
    return None


def _calls(arguments: Namespace) -> None:
    with _simulator() as (url, token):
        calls.run(url, token, rounds=arguments.rounds, count=arguments.calls)


PARTS: dict[str, Callable[[Namespace], None]] = {
    "calls": _calls,
    "imports": lambda _: imports.run(ROOT),
    "live": lambda _: live.run(),
    "scale": lambda _: scale.run(),
}


@contextmanager
def _simulator() -> Iterator[tuple[str, str]]:
    """Serve on a free port from another process, whose work is not counted."""
    command = (sys.executable, "-m", "tests.simulator", "--port", "0")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as plex:  # noqa: S603
        try:
            yield _said(plex, "URL:"), _said(plex, "Token:")
        finally:
            plex.terminate()


def _said(plex: subprocess.Popen[str], label: str) -> str:
    for line in plex.stdout or ():
        if line.startswith(label):
            return line.removeprefix(label).strip()
    raise LookupError("the simulator did not start")


if __name__ == "__main__":
    sys.exit(main())
