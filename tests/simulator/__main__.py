"""Serve a simulated Plex Media Server on 127.0.0.1.

Tasks take seconds here, so that one can watch them. While it runs, faults can be played
from another shell, and codes of plex.tv's be confirmed; see `tests.simulator.control`.
"""

from argparse import ArgumentParser, Namespace
import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
import signal

from .account import AccountServer
from .activities import RunShape
from .butler import RowMode
from .gdm import GdmResponder, GdmServer
from .plex_tv import PlexTvSimulator
from .server import TOKEN, PlexSimulator
from .tasks import default_tasks


def main() -> None:
    """Serve until a signal comes."""
    # A signal before the handlers are in place ends the program just as silently.
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(_arguments()))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=32400, help="0 takes a free one")
    parser.add_argument("--token", default=TOKEN, help="the owner's token")
    parser.add_argument("--name", default="Media Server", help="the server's name")
    account = parser.add_mutually_exclusive_group()
    account.add_argument("--unclaimed", action="store_true", help="ask for no token")
    account.add_argument(
        "--plex-tv",
        type=int,
        metavar="PORT",
        help="serve plex.tv as well, with this server in the account",
    )
    parser.add_argument(
        "--gdm",
        type=int,
        metavar="PORT",
        help="answer searches for servers that are sent to this port of 127.0.0.1",
    )
    add_row_arguments(parser)
    return parser.parse_args()


def add_row_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that `show_row` understands."""
    for name, kind, text in (
        ("--row", RowMode, "how long the Butler's row is shown"),
        ("--shape", RunShape, "what tells of the task at work"),
    ):
        choices = [member.name.lower() for member in kind]
        parser.add_argument(name, choices=choices, help=text)
    parser.add_argument(
        "--registered",
        type=int,
        default=0,
        metavar="TASKS",
        help="how many tasks a row counts as done already when it appears",
    )


def show_row(plex: PlexSimulator, arguments: Namespace) -> None:
    """Let a server show the Butler's work as its arguments say."""
    plex.registered_before = arguments.registered
    if arguments.shape:
        plex.shape = RunShape[arguments.shape.upper()]
    if arguments.row:
        plex.row_mode = RowMode[arguments.row.upper()]


async def _serve(arguments: Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        await _start(stack, arguments)
        await ended.wait()


async def _start(stack: AsyncExitStack, arguments: Namespace) -> None:
    plex = PlexSimulator(
        port=arguments.port,
        name=arguments.name,
        token=None if arguments.unclaimed else arguments.token,
        tasks=default_tasks(speed=1),
    )
    plex.hour = None
    show_row(plex, arguments)
    await _listen(stack, plex, arguments.port)
    _say(f"URL:   {plex.url}")
    _say(f"Token: {plex.token or 'none needed'}")
    if (port := arguments.plex_tv) is not None:
        plex_tv = PlexTvSimulator(port=port, servers=[AccountServer.of(plex)])
        await _listen(stack, plex_tv, port)
        _say(f"plex.tv: {plex_tv.url}")
    if (port := arguments.gdm) is not None:
        gdm = GdmResponder([GdmServer.of(plex)], port=port)
        await _listen(stack, gdm, port)
        _say("GDM: {}:{}".format(*gdm.address))


async def _listen(
    stack: AsyncExitStack, server: AbstractAsyncContextManager[object], port: int
) -> None:
    try:
        await stack.enter_async_context(server)
    except (OSError, OverflowError) as err:
        raise SystemExit(f"Cannot listen on port {port}: {err}") from err


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a program talks to its shell


if __name__ == "__main__":
    main()
