"""A real Home Assistant in a process of its own, for the demo and the end-to-end test.

Its configuration loads what a user looks at, and nothing that talks to the outside.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
import json
import os
from pathlib import Path
import shutil
from typing import TYPE_CHECKING, Self

from aiohttp import ClientError

from .api import Api

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from types import TracebackType

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-home/bin/python"
# What Python is to run; `simulated` returns another.
HOME_ASSISTANT: Sequence[str] = ("-m", "homeassistant")
# What Home Assistant ends with when somebody asks for a restart.
RESTART = 100

HOST = "127.0.0.1"
START_SECONDS = 120
STOP_SECONDS = 20
POLL_SECONDS = 0.05

# What a user looks at. Home Assistant adds what it always sets up, which reports as
# errors that a machine has no ffmpeg and no libturbojpeg. Nothing here needs them.
LOADED = ("config", "frontend", "history", "logbook")
# What a user makes in the frontend, which saves each in a file of its own.
EDITED = ("automation", "scene", "script")
DASHBOARD = "plex-butler"
# Beside them: the dashboard, and somebody who watches a film, or not.
CONFIGURATION = f"""\
# Written at each start.
logger:
  default: info
  logs:
    custom_components.plex_butler: debug
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
lovelace:
  dashboards:
    {DASHBOARD}:
      mode: yaml
      filename: dashboard.yaml
      title: Butler for Plex
      icon: mdi:account-tie
input_boolean:
  film:
    name: Film
media_player:
  - platform: universal
    name: TV
    unique_id: tv
    device_class: tv
    state_template: "{{{{ 'playing' if is_state('input_boolean.film', 'on') else 'paused' }}}}"
    commands:
      media_play:
        action: input_boolean.turn_on
        target:
          entity_id: input_boolean.film
      media_pause:
        action: input_boolean.turn_off
        target:
          entity_id: input_boolean.film
""" + "".join(
    [f"{domain}:\n" for domain in LOADED]
    + [f"{domain}: !include {domain}s.yaml\n" for domain in EDITED]
)
# What is used as it stands in the repository.
LINKS = {
    "custom_components": "custom_components",
    "dashboard.yaml": "docs/dashboard.yaml",
}
# The Marketplace fetches its catalogue at each start, unless somebody turned it off.
NO_MARKETPLACE = {
    "data": {},
    "disabled_by": "user",
    "domain": "marketplace",
    "entry_id": "marketplace",
    "source": "system",
    "title": "",
    "version": 1,
}


class HomeAssistantError(Exception):
    """Home Assistant did not start, or is gone."""


def simulated(plex_tv: str, gdm: int, announced: int | None = None) -> Sequence[str]:
    """Return how to run a Home Assistant that asks simulators where to find servers.

    The server at the announced port is discovered without being asked for.
    """
    arguments = ("-m", "tests.e2e.launch", "--plex-tv", plex_tv, "--gdm", str(gdm))
    return (*arguments, "--announced", str(announced)) if announced else arguments


async def until[T](
    look: Callable[[], Awaitable[T]], what: str, seconds: float = 20
) -> T:
    """Look again and again until there is something; return it."""
    try:
        async with asyncio.timeout(seconds):
            # Who is looked at is another process, and sets no event here.
            while not (found := await look()):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"Waited {seconds} s for {what}") from None
    return found


class HomeAssistant:
    """A Home Assistant with its configuration in one folder, kept between runs."""

    def __init__(
        self, config: Path, port: int, program: Sequence[str] = HOME_ASSISTANT
    ) -> None:
        self.config = config
        self.port = port
        self._program = program
        self.url = f"http://{HOST}:{port}"
        self.api = Api(self.url)
        self.console = config / "console.log"
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        try:
            self.configure()
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def configure(self) -> None:
        """Write the configuration; what Home Assistant itself has stored stays."""
        storage = self.config / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        (self.config / "configuration.yaml").write_text(CONFIGURATION)
        # Empty if the disk was full, and then Home Assistant does not start again.
        version = self.config / ".HA_VERSION"
        if version.exists() and not version.read_text():
            version.unlink()
        for domain in EDITED:
            (self.config / f"{domain}s.yaml").touch()
        # In YAML these two would be a trial that Home Assistant ends after a while.
        address = {"server_host": [HOST], "server_port": self.port}
        self._store("http", 1, address)
        # With no network at all, Home Assistant can search none and makes no requests.
        self._store("core.network", 1, {"configured_adapters": ["lo", "lo0"]})
        # This step would set up a weather service, a radio and more.
        self._store_first("onboarding", 4, {"done": ["core_config"]})
        self._store_first("core.config_entries", 1, {"entries": [NO_MARKETPLACE]})
        for name, target in LINKS.items():
            (self.config / name).unlink(missing_ok=True)
            (self.config / name).symlink_to(ROOT / target)
        # Copied: Home Assistant does not look into folders that are links.
        shutil.copytree(
            ROOT / "blueprints", self.config / "blueprints", dirs_exist_ok=True
        )

    def _store(self, key: str, version: int, data: object) -> None:
        content = {"version": version, "minor_version": 1, "key": key, "data": data}
        # Whole or not at all: a later start takes what is there.
        part = self.config / f"{key}.part"
        part.write_text(json.dumps(content))
        part.replace(self.config / ".storage" / key)

    def _store_first(self, key: str, version: int, data: object) -> None:
        if not (self.config / ".storage" / key).exists():
            self._store(key, version, data)

    async def start(self) -> None:
        """Start, sign in, and return once everything is set up."""
        with self.console.open("wb") as console:
            self._process = await asyncio.create_subprocess_exec(
                *_ending_with_its_parent(),
                PYTHON,
                *self._program,
                *("--skip-pip", "--log-no-color", "--config", self.config),
                cwd=self.config,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=_environment(),
                # Ctrl-C is for whoever started this, who then ends it in good order.
                start_new_session=True,
            )
        await until(self._answers, "Home Assistant to answer", START_SECONDS)
        await self.api.sign_in()
        await until(self._runs, "Home Assistant to start", START_SECONDS)

    async def _answers(self) -> bool:
        self._check_alive()
        try:
            await self.api.get("/manifest.json")
        except ClientError, OSError:
            return False
        return True

    async def _runs(self) -> bool:
        self._check_alive()
        config = await self.api.get("/api/config")
        return bool(config["state"] == "RUNNING")

    def _check_alive(self) -> None:
        if self._process is None or self._process.returncode is not None:
            lines = self.console.read_text().splitlines()[-15:]
            raise HomeAssistantError("\n".join(["Home Assistant ended:", *lines]))

    async def wait(self) -> int:
        """Wait for Home Assistant to end by itself; return its exit code."""
        if self._process is None:
            raise HomeAssistantError("Home Assistant was not started")
        return await self._process.wait()

    async def version(self) -> str:
        """Return which Home Assistant this is."""
        config = await self.api.get("/api/config")
        return str(config["version"])

    async def stop(self) -> None:
        """End Home Assistant, in good order if it can."""
        await self.api.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


def _ending_with_its_parent() -> Sequence[str]:
    """Return what ends a program when the one that started it is killed, on Linux."""
    return ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()


def _environment() -> dict[str, str]:
    """Return the environment of Home Assistant."""
    environment = dict(os.environ)
    # Compiling everything anew takes seconds of each start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # For programs of the tests; the integration is still that of the configuration.
    environment["PYTHONPATH"] = str(ROOT)
    return environment
