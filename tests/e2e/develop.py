"""Run Home Assistant with Butler for Plex set up, and simulated servers beside it.

What Home Assistant stores is kept in `.demo` between runs; remove it to start over.
"""

from argparse import ArgumentParser, Namespace
import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from errno import EADDRINUSE
import fcntl
from hashlib import sha256
import shutil
import signal
import socket
import sys
from time import monotonic

from aiohttp import ClientError

from homeassistant.generated.languages import LANGUAGES
from tests.simulator import (
    AccountServer,
    GdmResponder,
    GdmServer,
    PlexSimulator,
    PlexTvSimulator,
    default_tasks,
)
from tests.simulator.__main__ import add_row_arguments, show_row

from .api import NAME, PASSWORD, Api, ApiError
from .home import (
    DASHBOARD,
    HOME_ASSISTANT,
    HOST,
    RESTART,
    ROOT,
    HomeAssistant,
    HomeAssistantError,
    simulated,
)

DOMAIN = "plex_butler"
DEMO = ROOT / ".demo"
# Of the ready automation, whose times are short enough to watch it.
BLUEPRINT = "plex_butler/stop_while_watching.yaml"
HEAVY_TASKS = ("DeepMediaAnalysis", "ButlerTaskGenerateIntroMarkers")
PLAYER = "media_player.tv"
# What it is called, as Home Assistant translates no name that its user gives.
ALIASES = {
    "cs": "Zastavit úlohy Plexu, když se někdo dívá",
    "da": "Stop Plex-opgaver, mens nogen ser med",
    "de": "Plex-Aufgaben stoppen, während jemand zuschaut",
    "en": "Stop Plex tasks while somebody is watching",
    "es": "Detener las tareas de Plex mientras alguien está viendo algo",
    "fr": "Arrêter les tâches de Plex pendant que quelqu'un regarde",
    "it": "Ferma le attività di Plex mentre qualcuno guarda",
    "ja": "視聴中は Plex のタスクを停止する",
    "nb": "Stopp Plex-oppgaver mens noen ser på",
    "nl": "Plex-taken stoppen terwijl er iemand kijkt",
    "pl": "Zatrzymaj zadania Plex, gdy ktoś ogląda",
    "pt-BR": "Parar as tarefas do Plex enquanto alguém assiste",
    "sv": "Stoppa Plex-uppgifter medan någon tittar",
    "uk": "Зупинити завдання Plex, поки хтось дивиться",
    "zh-Hans": "有人观看时停止 Plex 任务",
}
# With less, Home Assistant fails in many ways, and its log may not say why.
FREE_BYTES = 1024 * 1024
GRACE_SECONDS = 3
QUIET_SECONDS = 10


class DemoError(Exception):
    """The demo cannot run."""


def main() -> str | None:
    """Run until somebody ends it; return what went wrong."""
    arguments = _arguments()
    # A signal before the handlers are in place ends this just as silently.
    with suppress(KeyboardInterrupt):
        try:
            return asyncio.run(_until_signal(arguments))
        except (ApiError, ClientError, DemoError, HomeAssistantError, OSError) as err:
            if shutil.disk_usage(DEMO).free < FREE_BYTES:
                return "The disk is full. Free 100 MB, and run this again."
            return str(err)
    return None


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="scripts/develop", description=__doc__)
    parser.add_argument("--port", type=int, default=8123, help="of Home Assistant")
    parser.add_argument(
        "--simulator-port",
        type=int,
        default=32400,
        help="of the simulated server; a second one takes the next",
    )
    parser.add_argument("--server", metavar="URL", help="a real Plex server instead")
    parser.add_argument("--token", help="of the real server's owner")
    parser.add_argument(
        "--language",
        default="en",
        choices=sorted(LANGUAGES),
        metavar="CODE",
        help="what Home Assistant and its user speak, such as de",
    )
    add_row_arguments(parser)
    arguments = parser.parse_args()
    if arguments.token and not arguments.server:
        parser.error("--token is for --server")
    return arguments


async def _until_signal(arguments: Namespace) -> str | None:
    """Run the demo; a signal ends it in good order, a second one changes nothing."""
    demo = asyncio.create_task(_demo(arguments))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _end, demo)
    with suppress(asyncio.CancelledError):
        return await demo
    return None


def _end(demo: asyncio.Task[str | None]) -> None:
    if not demo.cancelling():
        _say("\nEnding …")
        demo.cancel()


async def _demo(arguments: Namespace) -> str:
    """Serve, until Home Assistant ends by itself; return that it did."""
    _check_free(arguments.port, "--port")
    DEMO.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        stack.enter_context(_only_one())
        url, token = arguments.server, arguments.token
        program, hint = HOME_ASSISTANT, ""
        if url is None:
            plex, program, hint = await _simulate(stack, arguments)
            url, token = plex.url, plex.token
        home = HomeAssistant(DEMO, arguments.port, program)
        async with _step("Home Assistant") as report:
            await stack.enter_async_context(home)
            report.append(await home.version())
        await _integrate(home, url, token, arguments.language)
        await home.api.speak(arguments.language)
        _say(
            f"\nReady: {home.url}   name {NAME}   password {PASSWORD}\n{hint}"
            f"Ctrl-C ends it. Its log is {home.console}"
        )
        while (code := await home.wait()) == RESTART:
            async with _step("Home Assistant restarts") as report:
                await home.start()
                report.append(await home.version())
    return f"Home Assistant ended, with exit code {code}. Its log is {home.console}"


async def _simulate(
    stack: AsyncExitStack, arguments: Namespace
) -> tuple[PlexSimulator, Sequence[str], str]:
    """Return a server, what Home Assistant is to be run with, and what else to try.

    That is to add a second server, in each of the ways there are.
    """
    port = arguments.simulator_port
    _check_free(port, "--simulator-port")
    _check_free(port + 1, "--simulator-port")
    async with _step("Simulated Plex servers") as report:
        plex = PlexSimulator(port=port, tasks=default_tasks(speed=1))
        other = PlexSimulator(
            port=port + 1,
            name="Cellar",
            machine_identifier="ce11a7c0dece11a7c0dece11a7c0dece11a7c0de",
            tasks=default_tasks(speed=1),
        )
        for server in (plex, other):
            server.hour = None
            if arguments.language != "en":
                # The titles are English. Without them, the integration has its own.
                server.tasks = {
                    name: replace(task, title=None, description=None)
                    for name, task in server.tasks.items()
                }
            show_row(server, arguments)
            await stack.enter_async_context(server)
        plex_tv = PlexTvSimulator(servers=map(AccountServer.of, (plex, other)))
        await stack.enter_async_context(plex_tv)
        gdm = GdmResponder(map(GdmServer.of, (plex, other)))
        await stack.enter_async_context(gdm)
        report.append(f"{plex.url} and {other.url}")
    hint = (
        f"To add {other.name}: {other.url}   token {other.token}\n"
        f"To confirm a code: curl -X POST {plex_tv.url}/simulator/confirm\n"
    )
    return plex, simulated(plex_tv.url, gdm.address[1], other.port), hint


def _check_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        # A port whose last connections are still fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as err:
            taken = isinstance(err, OSError) and err.errno == EADDRINUSE
            raise DemoError(
                f"Port {port} {'is taken' if taken else f'cannot be used ({err})'}."
                " End what uses it, perhaps another scripts/develop, or choose"
                f" another port with {option}."
            ) from err


@contextmanager
def _only_one() -> Iterator[None]:
    """Keep a second demo, on other ports, away from the same files."""
    with (DEMO / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"The demo in {DEMO} is running already.") from None
        yield


async def _integrate(
    home: HomeAssistant, url: str, token: str | None, language: str
) -> None:
    """See that there is an entry for the server that is asked for.

    What was added beside it stays as long as that is the same.
    """
    # Remembered without the token: of what an entry is made is not to be read back.
    wanted = sha256(f"{url}\n{token}".encode()).hexdigest()
    made = DEMO / "made"
    known = made.read_text() if made.exists() else ""
    async with _step("Butler for Plex") as report:
        entries = {one["entry_id"]: one for one in await home.api.entries(DOMAIN)}
        id_ = known.removeprefix(f"{wanted} ")
        if id_ not in entries:
            for other in entries:
                await home.api.delete(f"/api/config/config_entries/entry/{other}")
            data = {"token": token} if token else {}
            entry = await home.api.set_up(
                DOMAIN, "manual", url=url, verify_ssl=True, **data
            )
            await furnish(home.api, language)
            made.write_text(f"{wanted} {entry['entry_id']}")
        else:
            entry = entries[id_]
        tasks = await _tasks(home.api)
        report.append(f"{len(tasks)} tasks, the first server is {entry['title']}")


async def furnish(api: Api, language: str = "en") -> None:
    """Have the frontend open with the dashboard, and make an automation."""
    await api.command(
        "frontend/set_system_data", key="core", value={"default_panel": DASHBOARD}
    )
    tasks = await _tasks(api)
    blueprint = {
        "path": BLUEPRINT,
        "input": {
            "tasks": [tasks[name] for name in HEAVY_TASKS if name in tasks],
            "players": [PLAYER],
            "grace": {"seconds": GRACE_SECONDS},
            "quiet": {"seconds": QUIET_SECONDS},
        },
    }
    await api.post(
        "/api/config/automation/config/stop_while_watching",
        alias=ALIASES.get(language, ALIASES["en"]),
        use_blueprint=blueprint,
    )


async def _tasks(api: Api) -> dict[str, str]:
    """Return the status sensors of tasks, by the names that Plex gives them."""
    return {
        state["attributes"]["task_name"]: state["entity_id"]
        for state in await api.get("/api/states")
        if "task_name" in state["attributes"]
    }


@asynccontextmanager
async def _step(label: str) -> AsyncIterator[list[str]]:
    """Print a line with what was done, what the caller reports of it, and its time."""
    print(f"{label:<28} … ", end="", flush=True)  # noqa: T201 - its user's console
    begun = monotonic()
    report: list[str] = []
    try:
        yield report
    except Exception:
        _say("failed")
        raise
    _say(f"{' '.join(report)} ({monotonic() - begun:.0f} s)")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - its user's console


if __name__ == "__main__":
    sys.exit(main())
