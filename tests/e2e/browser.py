"""A browser that is signed in to a Home Assistant and reaches nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import shutil
from time import time
from urllib.parse import urlsplit

from playwright.async_api import (
    Page,
    Route,
    StorageState,
    ViewportSize,
    async_playwright,
    expect,
)

from .home import HOST, ROOT, HomeAssistant

# Debian's, Ubuntu's and Google's names for it. Playwright could bring one of its own.
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
OPTIONS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # It needs rights that a container does not give, and only our own pages are shown.
    "--no-sandbox",
)
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
OUTPUT = ROOT / "tests/output/browser"
SECONDS = 45


class Screen:
    """What somebody sees, and pictures of it."""

    def __init__(self, home: HomeAssistant, page: Page, folder: Path) -> None:
        self.page = page
        self._home = home
        self._folder = folder
        self._pictures = 0

    async def open(self, path: str) -> None:
        """Open a page of Home Assistant's and wait until there is something on it."""
        await self.page.goto(f"{self._home.url}{path}")
        await self.page.locator("#ha-launch-screen").wait_for(state="detached")

    async def keep(self, name: str) -> None:
        """Keep a picture, numbered in the order they are taken."""
        self._pictures += 1
        path = self._folder / f"{self._pictures:02}-{name}.png"
        await self.page.screenshot(path=path, animations="disabled")


@asynccontextmanager
async def open_screen(
    home: HomeAssistant,
    folder: Path = OUTPUT,
    *,
    scale: int = 1,
    sidebar: bool = True,
) -> AsyncIterator[Screen]:
    """Start a browser; the folder is emptied for its pictures."""
    shutil.rmtree(folder, ignore_errors=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=OPTIONS
        )
        context = await browser.new_context(
            storage_state=_signed_in(home, sidebar=sidebar),
            viewport=DESKTOP,
            device_scale_factor=scale,
            reduced_motion="reduce",
            # What a service worker requests would get out.
            service_workers="block",
        )
        context.set_default_timeout(1000 * SECONDS)
        expect.set_options(1000 * SECONDS)
        await context.route("**/*", _stay_here)
        screen = Screen(home, await context.new_page(), folder)
        try:
            yield screen
        except BaseException:
            await screen.keep("failed")
            raise
        finally:
            await browser.close()


async def _stay_here(route: Route) -> None:
    """Let nothing out of this machine, and have Home Assistant fetch nothing either."""
    url = urlsplit(route.request.url)
    # Home Assistant has the pictures of all other integrations from the internet.
    foreign = url.path.startswith("/api/brands/") and "/plex_butler/" not in url.path
    if url.hostname != HOST or foreign:
        await route.abort()
    else:
        await route.continue_()


def _signed_in(home: HomeAssistant, *, sidebar: bool) -> StorageState:
    """Return what the frontend has in a browser's store once somebody has signed in."""
    tokens = {
        **home.api.tokens,
        "hassUrl": home.url,
        "clientId": f"{home.url}/",
        "expires": int(1000 * (time() + home.api.tokens["expires_in"])),
    }
    docked = "docked" if sidebar else "always_hidden"
    return {
        "origins": [
            {
                "origin": home.url,
                "localStorage": [
                    {"name": "hassTokens", "value": json.dumps(tokens)},
                    {"name": "dockedSidebar", "value": json.dumps(docked)},
                ],
            }
        ]
    }
