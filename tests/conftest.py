"""What the tests of the Home Assistant side share: a real server and a real entry."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any, Protocol

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion
import trustme

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex import connection
from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    EVENT_STATE_CHANGED,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.loader import DATA_CUSTOM_COMPONENTS

from .simulator import Fault, PlexSimulator, RecordedRequest

# What the ids of a task's entities begin with: the server's name, but for 2026.9.
OF_TASK = "media_server_" if "PARENT_DEVICE" in er.EntityNamePart.__members__ else ""

type Tick = Callable[[float], Awaitable[None]]


WEBSOCKET = "/:/websockets/notifications"


class Hung(Protocol):
    """What the fixture `hung` is called with."""

    async def __call__[T](self, request: Awaitable[T], method: str, path: str) -> T:
        """Wait for the request until its time-out."""


@pytest.fixture(scope="session")
def self_signed() -> SSLContext:
    """What a server speaks TLS with that no one should trust, least under its address.

    Made once, before any test stops the clock, which a certificate cannot be made with.
    """
    context = SSLContext(PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("server.invalid").configure_cert(context)
    return context


@pytest.fixture
def hass(freezer: FrozenDateTimeFactory, hass: HomeAssistant) -> HomeAssistant:
    """Home Assistant, with time standing still until a test lets it go by.

    The event loop's clock stands still too, so it must do so from the start.
    """
    hass.data.pop(DATA_CUSTOM_COMPONENTS)
    return hass


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Leave out of snapshots what differs from run to run."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def plex(
    hass: HomeAssistant, socket_enabled: None
) -> AsyncIterator[PlexSimulator]:
    """A Plex Media Server without a websocket, so that it has to be polled."""
    async with PlexSimulator() as simulator:
        simulator.websocket_refusal = 404
        yield simulator


def reads(plex: PlexSimulator) -> list[RecordedRequest]:
    """Return what was asked of the server, but for its websocket and its settings."""
    return [r for r in plex.requests if not r.raw_path.startswith("/:/")]


def make_entry(plex: PlexSimulator) -> MockConfigEntry:
    """Return the config entry of a server, not yet added."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=plex.name,
        unique_id=plex.machine_identifier,
        data={CONF_URL: plex.url, CONF_TOKEN: plex.token, CONF_VERIFY_SSL: True},
    )


def disable(plex: PlexSimulator, name: str) -> None:
    """Disable a task on the server."""
    plex.tasks[name] = replace(plex.tasks[name], enabled=False)


@pytest.fixture
def entry(hass: HomeAssistant, plex: PlexSimulator) -> MockConfigEntry:
    """The server's config entry, not yet set up."""
    entry = make_entry(plex)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """The server's config entry, set up."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def settle(hass: HomeAssistant) -> None:
    """Wait for all that is under way, but for the stream, which has no end."""
    await hass.async_block_till_done()
    await read_done()
    await hass.async_block_till_done()


async def read_done() -> None:
    """Wait for the reads that are under way, and for tries to set an entry up."""
    while tasks := [t for t in asyncio.all_tasks() if _ends(t.get_name())]:
        await asyncio.wait(tasks)


def _ends(task_name: str) -> bool:
    return task_name.endswith("refresh") or task_name.startswith("config entry retry")


@pytest.fixture
def tick(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Tick:
    """Let time go by, and everything happen that is due then."""

    async def tick(seconds: float) -> None:
        freezer.tick(timedelta(seconds=seconds))
        async_fire_time_changed(hass)
        await settle(hass)

    return tick


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on at once after a setting was changed: the clock stands still."""
    monkeypatch.setattr(connection, "PAUSE", 0)


@pytest.fixture
def hung(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plex: PlexSimulator
) -> Hung:
    """See a request through that the server takes and never answers."""

    async def hung[T](request: Awaitable[T], method: str, path: str) -> T:
        plex.requests.clear()
        task = asyncio.ensure_future(request)
        await plex.wait_for_request(method, path)
        freezer.tick(timedelta(seconds=16))
        async_fire_time_changed(hass)
        return await task

    return hung


@pytest.fixture
async def live(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> MockConfigEntry:
    """The server's config entry, set up, with the stream connected and all read."""
    # A leap of the clock leaves no time for an answer to a ping.
    monkeypatch.setattr(connection, "HEARTBEAT", 1e9)
    plex.websocket_refusal = None
    plex.inject(Fault.SLOW, WEBSOCKET)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await connect(hass, plex)
    return entry


async def connect(hass: HomeAssistant, plex: PlexSimulator) -> None:
    """Let the stream through that was held up, and what it leads to."""
    plex.requests.clear()
    plex.clear_faults()
    await plex.wait_for_request("GET", "/activities")
    await settle(hass)


async def until(hass: HomeAssistant, entity_id: str, state: str) -> None:
    """Wait for a state."""
    reached = asyncio.Event()

    @callback
    def look(_event: object = None) -> None:
        if hass.states.get(entity_id).state == state:
            reached.set()

    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, look)
    look()
    await reached.wait()
    stop()


def states(hass: HomeAssistant, *entity_ids: str) -> list[str]:
    """Return the states of entities."""
    return [hass.states.get(entity_id).state for entity_id in entity_ids]


def parent(**changes: Any) -> dict[str, Any]:
    """Return the activity of a run of the Butler."""
    return {
        "uuid": "parent",
        "type": "butler",
        "cancellable": False,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "",
        "progress": -1,
        **changes,
    }


async def press(hass: HomeAssistant, button: str, of: str = OF_TASK) -> None:
    """Press a button of a task, or of the server."""
    await hass.services.async_call(
        "button", "press", {"entity_id": f"button.{of}{button}"}, blocking=True
    )
