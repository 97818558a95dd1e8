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

from .api import Api
from .browser import CHROMIUM, DESKTOP, PHONE, Screen, open_screen
from .conftest import check_log, needs_home
from .develop import furnish
from .home import DASHBOARD, HOST, HomeAssistant, simulated

LINK = "plex.tv/link"
CODE = re.compile(r"^[A-Z0-9]{4}$")
TASK = "OptimizeDatabase"
BACKUP = "BackupDatabase"
HEAVY = "DeepMediaAnalysis"
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
async def library(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """The only server of a Plex account, named as in the dashboard."""
    async with PlexSimulator(name="Media Server") as plex:
        yield plex


@pytest.fixture
async def cellar(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """A server that no account knows and that announces itself, with one task only."""
    task = replace(default_tasks()[TASK], title="Datenbank optimieren")
    async with PlexSimulator(
        name="Cellar", machine_identifier="cellar", tasks=[task]
    ) as plex:
        yield plex


@pytest.fixture
async def plex_tv(library: PlexSimulator) -> AsyncIterator[PlexTvSimulator]:
    """Where the account is."""
    async with PlexTvSimulator(servers=[AccountServer.of(library)]) as plex_tv:
        yield plex_tv


@pytest.fixture
async def home(
    plex_tv: PlexTvSimulator, cellar: PlexSimulator, port: int, tmp_path: Path
) -> AsyncIterator[HomeAssistant]:
    """A Home Assistant that knows nothing yet, and takes the simulator for plex.tv."""
    async with GdmResponder() as gdm:
        program = simulated(plex_tv.url, gdm.address[1], cellar.port)
        async with HomeAssistant(tmp_path, port, program) as home:
            yield home


async def test_browser(
    home: HomeAssistant,
    plex_tv: PlexTvSimulator,
    library: PlexSimulator,
    cellar: PlexSimulator,
) -> None:
    """From adding the integration to a task that runs, in two ways, and an automation."""
    async with open_screen(home) as screen:
        await choose_integration(screen)
        await sign_in(screen, plex_tv, library)
        await start_task(screen, library)
        await screen.open(INTEGRATION)
        await automate(screen, library)
        await furnish(home.api)
        await use_dashboard(screen, home.api, library)
        await screen.open(INTEGRATION)
        await add_another(screen)
        await type_address(screen, cellar)
        await start_task(screen, cellar)
        await screen.page.set_viewport_size(PHONE)
        await screen.keep("device-on-a-phone")
    started = [TASK, BACKUP, TASK, HEAVY, HEAVY]
    assert (library.started, cellar.started) == (started, [TASK])
    await home.stop()
    check_log(home, library.token, plex_tv.account_token)


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
    """Have the code on the screen confirmed, and accept that there is no https."""
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
    await page.get_by_role("button", name="Submit").click()
    unencrypted = page.get_by_text(f"Use {plex.url}")
    await unencrypted.wait_for()
    await screen.keep("without-encryption")
    await unencrypted.click()
    await finish(screen, plex)


async def add_another(screen: Screen) -> None:
    """See the server that announced itself, and choose to add one in another way."""
    page = screen.page
    await page.get_by_role("button", name="Add hub").click()
    another = page.get_by_text("Set up another instance of Butler for Plex")
    await another.wait_for()
    await page.get_by_text(HOST, exact=True).wait_for()
    await screen.keep("discovered")
    await another.click()


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
    await page.get_by_role("button", name="1 Notifications").click()
    await page.get_by_text(MESSAGE).wait_for()
    await screen.keep("backup-has-finished")


async def use_dashboard(screen: Screen, api: Api, plex: PlexSimulator) -> None:
    """Start tasks from the dashboard, and have an automation stop one and start it."""
    page = screen.page
    before = list(plex.started)
    await screen.open(f"/{DASHBOARD}")
    await page.locator("hui-tile-card").filter(has_text="Start all tasks").click()
    await page.get_by_text("Start every task that is due?").wait_for()
    await screen.keep("dashboard-asks")
    await page.get_by_role("button", name="Cancel").click()
    assert plex.started == before
    start = page.locator("hui-button-card")
    await start.nth(1).click()
    await page.get_by_text("Optimize Database · Running").wait_for()
    await screen.keep("dashboard")
    plex.finish(TASK)
    await page.get_by_text("Not running").last.wait_for()
    await api.act("media_player.media_play", entity_id="media_player.tv")
    plex.butler.start(HEAVY)
    await page.get_by_text("Deep Media Analysis · Running").wait_for()
    await page.get_by_text("Not running").last.wait_for()
    await api.act("media_player.media_pause", entity_id="media_player.tv")
    await page.get_by_text("Deep Media Analysis · Running").wait_for()
    plex.finish(HEAVY)
    await page.set_viewport_size(PHONE)
    await screen.keep("dashboard-on-a-phone")
    await page.set_viewport_size(DESKTOP)
