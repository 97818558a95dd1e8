"""Measure and compare: `python -m tests.benchmarks`.

Reads the list of 22 tasks again and again from one simulated server in a process of
its own, imports the integration into fresh processes, and lets a Home Assistant listen
to a simulated server. Prints what that costs and which goals are met. Speed is no test:
the exit code tells only whether it could run.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import subprocess
import sys

from . import calls, imports, live
from .report import say

ROOT = Path(__file__).parents[2]


def main() -> str | None:
    """Run all; return why that was not possible."""
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--calls", type=int, default=100, help="calls a round")
    arguments = parser.parse_args()
    try:
        with _simulator() as (url, token):
            calls.run(url, token, rounds=arguments.rounds, count=arguments.calls)
        say()
        imports.run(ROOT)
        say()
        live.run()
    except (OSError, subprocess.SubprocessError, LookupError) as err:
        return f"Cannot measure: {err}"
    return None


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
