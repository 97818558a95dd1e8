"""What a user sees and clicks: a real Home Assistant in a real browser.

Pictures of it all are kept in tests/output/browser.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
import re

from playwright.async_api import Locator, expect
import pytest

from tests.simulator import (
    AccountServer,
    GdmResponder,
    PlexSimulator,
    PlexTvSimulator,
    default_tasks,
)

from .browser import CHROMIUM, PHONE, Screen, open_screen
from .conftest import check_log, needs_home
from .home import HomeAssistant, simulated

LINK = "plex.tv/link"
CODE = re.compile(r"^[A-Z0-9]{4}$")
TASK = "OptimizeDatabase"
BACKUP = "BackupDatabase"
NAME = "Tell me when the backup has finished"
MESSAGE = "The backup has finished."
CLICKS = 6
COUNT_CLICKS = "clicks = 0; addEventListener('pointerdown', () => clicks++, true)"
INTEGRATION = "/config/integrations/integration/plex_butler"

pytestmark = [
    needs_home,
    pytest.mark.skipif(CHROMIUM is None, reason="There is no chromium on this machine"),
    pytest.mark.timeout(300),
]


@pytest.fixture
async def attic(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """The only server of a Plex account."""
    async with PlexSimulator(name="Attic") as plex:
        yield plex


@pytest.fixture
async def cellar(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """A server that no account and no search knows, with one task only."""
    task = replace(default_tasks()[TASK], title="Datenbank optimieren")
    async with PlexSimulator(
        name="Cellar", machine_identifier="cellar", tasks=[task]
    ) as plex:
        yield plex


@pytest.fixture
async def plex_tv(attic: PlexSimulator) -> AsyncIterator[PlexTvSimulator]:
    """Where the account is."""
    async with PlexTvSimulator(servers=[AccountServer.of(attic)]) as plex_tv:
        yield plex_tv


@pytest.fixture
async def home(
    plex_tv: PlexTvSimulator, port: int, tmp_path: Path
) -> AsyncIterator[HomeAssistant]:
    """A Home Assistant that knows nothing yet, and takes the simulator for plex.tv."""
    async with (
        GdmResponder() as gdm,
        HomeAssistant(tmp_path, port, simulated(plex_tv.url, gdm.address[1])) as home,
    ):
        yield home


async def test_browser(
    home: HomeAssistant,
    plex_tv: PlexTvSimulator,
    attic: PlexSimulator,
    cellar: PlexSimulator,
) -> None:
    """From adding the integration to a task that runs, in two ways, and an automation."""
    async with open_screen(home) as screen:
        await choose_integration(screen)
        await sign_in(screen, plex_tv, attic)
        await start_task(screen, attic)
        await screen.open(INTEGRATION)
        await automate(screen, attic)
        await screen.open(INTEGRATION)
        await screen.page.get_by_role("button", name="Add hub").click()
        await type_address(screen, cellar)
        await start_task(screen, cellar)
        await screen.page.set_viewport_size(PHONE)
        await screen.keep("device-on-a-phone")
    assert (attic.started, cellar.started) == ([TASK, BACKUP], [TASK])
    await home.stop()
    check_log(home, attic.token, plex_tv.account_token)


async def choose_integration(screen: Screen) -> None:
    """Find the integration among all there are."""
    page = screen.page
    await screen.open("/config/integrations/dashboard")
    await page.get_by_role("button", name="Add integration").click()
    await page.get_by_placeholder("Search for a brand name").fill("Butler")
    brand = page.get_by_role("button", name="Butler for Plex")
    await brand.wait_for()
    await screen.keep("integrations")
    await brand.click()


async def sign_in(
    screen: Screen, plex_tv: PlexTvSimulator, plex: PlexSimulator
) -> None:
    """Have the code on the screen confirmed; the rest goes by itself."""
    page = screen.page
    way = page.get_by_text("Sign in with plex.tv")
    await way.wait_for()
    await screen.keep("ways")
    await way.click()
    code = await page.get_by_role("heading", name=CODE).inner_text()
    assert code == plex_tv.codes[-1]
    link = page.get_by_role("link", name=LINK)
    await expect(link).to_have_attribute("href", f"https://{LINK}/?pin={code}")
    await screen.keep("code")
    plex_tv.confirm(code)
    await finish(screen, plex)


async def type_address(screen: Screen, plex: PlexSimulator) -> None:
    """Type address and token, the token wrong at first."""
    page = screen.page
    await page.get_by_text("Enter address and token").click()
    token = page.get_by_role("textbox", name="Token")
    await page.get_by_role("textbox", name="Address").fill(plex.url)
    await token.fill("no-such-token")
    await screen.keep("address-and-token")
    await page.get_by_role("button", name="Submit").click()
    await page.get_by_text("does not accept this token").wait_for()
    await screen.keep("wrong-token")
    await token.fill(str(plex.token))
    await page.get_by_role("button", name="Submit").click()
    await finish(screen, plex)


async def finish(screen: Screen, plex: PlexSimulator) -> None:
    """See that the server is added with all its tasks, and close the dialog."""
    page = screen.page
    name = plex.name.lower()
    devices = page.get_by_role("textbox", name="Device name")
    await expect(devices).to_have_count(1 + len(plex.tasks))
    await expect(devices.first).to_have_value(plex.name)
    await screen.keep(f"{name}-added")
    await page.get_by_role("button", name="Skip and finish").click()
    await device(screen, plex).scroll_into_view_if_needed()
    await screen.keep(f"{name}-devices")


def device(screen: Screen, plex: PlexSimulator, task: str = TASK) -> Locator:
    """Return the task's line in the list of devices."""
    return screen.page.get_by_role("button", name=plex.tasks[task].title)


async def start_task(screen: Screen, plex: PlexSimulator) -> None:
    """Press Start on the task's page, and see there that it runs until it ends."""
    page = screen.page
    await device(screen, plex).click()
    await page.get_by_role("link", name=plex.name, exact=True).wait_for()
    name = plex.name.lower()
    await page.get_by_text("Idle").wait_for()
    await screen.keep(f"{name}-device")
    # Stop stands below it.
    await page.get_by_role("button", name="Press").first.click()
    await page.get_by_text("Running").wait_for()
    await screen.keep(f"{name}-task-runs")
    assert plex.started == [TASK]
    plex.finish(TASK)
    await page.get_by_text("Idle").wait_for()


async def automate(screen: Screen, plex: PlexSimulator) -> None:
    """Have a message shown when the backup has finished, in six clicks in the editor."""
    page = screen.page
    await device(screen, plex, BACKUP).click()
    await page.get_by_role("button", name="Add to…").click()
    await page.get_by_text("Create as a new trigger").click()
    # The editor is open, with the task chosen.
    trigger = page.get_by_text("Task finished")
    await trigger.wait_for()
    await page.evaluate(COUNT_CLICKS)
    await screen.keep("triggers-of-a-task")
    await trigger.click()
    await page.get_by_role("button", name="Add action").click()
    await page.get_by_placeholder("Search").fill("notification")
    await page.get_by_text("Create persistent notification").click()
    await page.locator("ha-selector-text").first.click()
    await page.keyboard.type(MESSAGE)
    await screen.keep("automation")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("textbox", name="Name").fill(NAME)
    await screen.keep("automation-name")
    await page.get_by_role("button", name="Save").last.click()
    await page.wait_for_url("**/automation/edit/**")
    await page.get_by_text(NAME).wait_for()
    assert await page.evaluate("clicks") == CLICKS
    plex.butler.start(BACKUP)
    plex.finish(BACKUP)
    await page.get_by_role("button", name="Notifications").click()
    await page.get_by_text(MESSAGE).wait_for()
    await screen.keep("backup-has-finished")
