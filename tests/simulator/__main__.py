"""Serve a simulated Plex Media Server on 127.0.0.1.

Tasks take seconds here, so that one can watch them. While it runs, faults can be played
from another shell; see `tests.simulator.control`.
"""

from argparse import ArgumentParser, Namespace
import asyncio
from contextlib import suppress
import signal
import sys

from .server import TOKEN, PlexSimulator
from .tasks import default_tasks


def main() -> str | None:
    """Serve until a signal comes; return why that was not possible."""
    # A signal before the handlers are in place ends the program just as silently.
    with suppress(KeyboardInterrupt):
        return asyncio.run(_serve(_arguments()))
    return None


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=32400, help="0 takes a free one")
    parser.add_argument("--token", default=TOKEN, help="the owner's token")
    parser.add_argument("--name", default="Media Server", help="the server's name")
    parser.add_argument("--unclaimed", action="store_true", help="ask for no token")
    return parser.parse_args()


async def _serve(arguments: Namespace) -> str | None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    plex = PlexSimulator(
        port=arguments.port,
        name=arguments.name,
        token=None if arguments.unclaimed else arguments.token,
        tasks=default_tasks(speed=1),
    )
    plex.hour = None
    try:
        await plex.start()
    except (OSError, OverflowError) as err:
        return f"Cannot listen on port {arguments.port}: {err}"
    _say(f"URL:   {plex.url}")
    _say(f"Token: {plex.token or 'none needed'}")
    await ended.wait()
    await plex.stop()
    return None


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a program talks to its shell


if __name__ == "__main__":
    sys.exit(main())
