"""Take the pictures of the README from the frontend of a real Home Assistant.

They show a simulated server after a night with some runs.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from io import BytesIO
import json
from pathlib import Path
import socket
import sys
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.async_api import FloatRect, Locator, ViewportSize

from tests.simulator import GdmResponder, PlexSimulator, PlexTvSimulator, default_tasks

from .browser import CHROMIUM, PHONE, Screen, open_screen
from .develop import DOMAIN, furnish
from .home import DASHBOARD, HOST, ROOT, HomeAssistant, simulated

FOLDER = ROOT / "docs/pictures"
OUTPUT = ROOT / "tests/output/pictures"
# All of them, in bytes.
LIMIT = 1_500_000
QUALITY = 80
# Of a picture's width and height.
SCALE = 2
MARGIN = 16

# What ran in the night: the minutes after two, and the seconds that it took.
NIGHT = {
    "BackupDatabase": (0, 38),
    "OptimizeDatabase": (1, 214),
    "CleanOldBundles": (5, 71),
    "RefreshLocalMedia": (7, 602),
    "LoudnessAnalysis": (18, 640),
    "ButlerTaskGenerateIntroMarkers": (29, 2466),
    "ButlerTaskGenerateCreditsMarkers": (71, 3120),
    "DeepMediaAnalysis": (123, 3410),
}
RUNNING = ("GenerateChapterThumbs", "LoudnessAnalysis")
AUTOMATION = {
    "alias": "Tell me when the backup has finished",
    "triggers": [
        {
            "trigger": "plex_butler.task_finished",
            "target": {"entity_id": "sensor.media_server_backup_database"},
        }
    ],
    "actions": [
        {
            "action": "persistent_notification.create",
            "data": {"message": "The backup has finished."},
        }
    ],
}


class Camera:
    """Takes pictures of what is on a screen."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.page = screen.page

    async def take(
        self, name: str, *shown: Locator, themes: tuple[str, ...] = ("light",)
    ) -> None:
        """Take a picture of the part of the page that shows all these elements."""
        await self.page.mouse.move(0, 0)
        for theme in themes:
            dark = theme == "dark"
            await self.page.emulate_media(color_scheme="dark" if dark else "light")
            await self.page.wait_for_timeout(500)
            png = await self.page.screenshot(
                clip=await self._around(*shown), animations="disabled"
            )
            suffix = "-dark" if dark else ""
            Image.open(BytesIO(png)).save(
                FOLDER / f"{name}{suffix}.webp", quality=QUALITY, method=6
            )
        await self.page.emulate_media(color_scheme="light")

    async def _around(self, *shown: Locator) -> FloatRect | None:
        if not shown:
            return None
        boxes = [box for one in shown if (box := await one.bounding_box())]
        left = min(box["x"] for box in boxes) - MARGIN
        top = min(box["y"] for box in boxes) - MARGIN
        right = max(box["x"] + box["width"] for box in boxes) + MARGIN
        bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
        left, top = max(left, 0), max(top, 0)
        return FloatRect(x=left, y=top, width=right - left, height=bottom - top)


def main() -> str | None:
    """Take all pictures; return what went wrong."""
    if CHROMIUM is None:
        return "The pictures need a Chromium or Chrome on this machine."
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(_take_all())
    pictures = sorted(FOLDER.glob("*.webp"))
    sizes = {picture.name: picture.stat().st_size for picture in pictures}
    for name, size in sizes.items():
        print(f"{size // 1000:5} kB  {name}")  # noqa: T201 - its user's console
    if sum(sizes.values()) > LIMIT:
        return f"That is {sum(sizes.values())} bytes; {LIMIT} are allowed."
    return None


async def _take_all() -> None:
    async with _servers() as (plex, program):
        with TemporaryDirectory() as folder:
            home = HomeAssistant(Path(folder), _free_port(), program)
            async with home, _camera(home) as camera:
                await _take_setup(camera)
                entry = await home.api.set_up(
                    DOMAIN, "manual", url=plex.url, token=plex.token, verify_ssl=True
                )
                await furnish(home.api)
                path = "/api/config/automation/config/backup"
                await home.api.post(path, **AUTOMATION)
            _remember_night(home.config, entry["entry_id"])
            again = HomeAssistant(home.config, home.port, program)
            async with again, _camera(again) as camera:
                plex.registered_before = 3
                for name in RUNNING:
                    plex.butler.start(name)
                await _take_dashboard(camera)
                await _take_devices(camera, plex)
                await _take_automation(camera)
                await _take_calendar(camera)


@asynccontextmanager
async def _servers() -> AsyncIterator[tuple[PlexSimulator, tuple[str, ...]]]:
    """Serve, and return what Home Assistant is to be run with."""
    # The tasks run until the pictures are taken.
    async with (
        PlexSimulator(tasks=default_tasks(speed=0.01)) as plex,
        PlexSimulator(name="Cellar", machine_identifier="cellar") as other,
        PlexTvSimulator() as plex_tv,
        GdmResponder() as gdm,
    ):
        program = simulated(plex_tv.url, gdm.address[1], other.port)
        yield plex, tuple(program)


@asynccontextmanager
async def _camera(home: HomeAssistant) -> AsyncIterator[Camera]:
    async with open_screen(home, OUTPUT, scale=SCALE, sidebar=False) as screen:
        yield Camera(screen)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _remember_night(config: Path, entry_id: str) -> None:
    """Write the history of the last night, which Home Assistant reads at its start."""
    day = (datetime.now(UTC) - timedelta(hours=5)).date()
    two = datetime.combine(day, time(2), UTC)
    runs = [
        {
            "name": name,
            "started": (started := two + timedelta(minutes=minutes)).isoformat(),
            "finished": (started + timedelta(seconds=seconds)).isoformat(),
            "duration": seconds,
            "result": "finished",
            "observed": True,
            "source": "server",
        }
        for name, (minutes, seconds) in NIGHT.items()
    ]
    key = f"{DOMAIN}.history.{entry_id}"
    content = {"version": 1, "minor_version": 1, "key": key, "data": {"runs": runs}}
    (config / ".storage" / key).write_text(json.dumps(content))


async def _take_setup(camera: Camera) -> None:
    """Show the ways to add a server."""
    page = camera.page
    await camera.screen.open("/config/integrations/dashboard/add?domain=plex_butler")
    await page.get_by_role("button", name="OK").click()
    await page.get_by_text("Enter address and token").wait_for()
    await camera.take("setup", page.locator("dialog[open]"))


async def _take_dashboard(camera: Camera) -> None:
    page = camera.page
    await page.set_viewport_size(ViewportSize(width=1060, height=1120))
    await camera.screen.open(f"/{DASHBOARD}")
    await page.get_by_text("Chapter Thumbnails · Running").wait_for()
    await camera.take("dashboard", themes=("light", "dark"))
    await page.set_viewport_size(PHONE)
    await camera.take("dashboard-phone")


async def _take_devices(camera: Camera, plex: PlexSimulator) -> None:
    """Show the page of the server, and of a task that runs."""
    page = camera.page
    await page.set_viewport_size(ViewportSize(width=1060, height=820))
    await camera.screen.open("/config/devices/dashboard")
    await page.get_by_text("Media Server", exact=True).first.click()
    await page.get_by_text("Start all tasks").wait_for()
    await camera.take("server")
    await camera.screen.open("/config/devices/dashboard")
    await page.get_by_text(plex.tasks[RUNNING[1]].title or "").first.click()
    await page.get_by_text("Running").first.wait_for()
    await camera.take("task")


async def _take_automation(camera: Camera) -> None:
    page = camera.page
    await page.set_viewport_size(ViewportSize(width=1200, height=700))
    await camera.screen.open("/config/automation/edit/backup")
    row = page.locator("ha-automation-trigger-row")
    await row.wait_for()
    # Before the triggers are described, the editor would show YAML only.
    await page.wait_for_timeout(3000)
    await row.click(position={"x": 30, "y": 30})
    await page.get_by_text("Add target").wait_for()
    await camera.take("automation", themes=("light", "dark"))


async def _take_calendar(camera: Camera) -> None:
    page = camera.page
    await page.set_viewport_size(ViewportSize(width=1060, height=700))
    await camera.screen.open("/calendar")
    await page.locator("ha-full-calendar ha-button-toggle-group ha-button").last.click()
    await page.get_by_text("Backup Database").wait_for()
    await camera.take("calendar")


if __name__ == "__main__":
    sys.exit(main())
