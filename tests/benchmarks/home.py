"""A Home Assistant of its own, with the integration listening to a simulated server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
import logging
from tempfile import TemporaryDirectory
from time import perf_counter
from unittest.mock import patch

from aiohttp import ThreadedResolver
from pytest_homeassistant_custom_component.common import (  # type: ignore[import-untyped]
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.plex_butler.const import DOMAIN, LIVE_INTERVAL
from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from tests.simulator import PlexSimulator
from tests.simulator.tasks import default_tasks

PATIENCE = 10
TURNS = 100_000
# It warns of every custom integration, which no one here has to be told of.
logging.getLogger("homeassistant.loader").setLevel(logging.ERROR)


class Home:
    """Home Assistant, the server it knows, and each state it writes."""

    def __init__(self, hass: HomeAssistant, plex: PlexSimulator) -> None:
        """Watch all states from now on."""
        self.hass = hass
        self.plex = plex
        self.writes: dict[str, list[float]] = {}
        """The moments each entity was written at, changed or not."""
        self.changes: dict[str, int] = {}
        """How many of those changed it."""
        self._expected: dict[asyncio.Future[float], tuple[str, str | None]] = {}
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._note_change)
        hass.bus.async_listen(EVENT_STATE_REPORTED, self._note, _all)

    def entity_id(self, platform: str, key: str) -> str:
        """Return the id of an entity, which differs between releases."""
        unique_id = f"{self.plex.machine_identifier}_{key}"
        registry = er.async_get(self.hass)
        entity_id = registry.async_get_entity_id(platform, DOMAIN, unique_id)
        if entity_id is None:
            raise LookupError(f"there is no {platform} {key}")
        return entity_id

    def expect(self, entity_id: str, value: str | None = None) -> asyncio.Future[float]:
        """Return the moment the entity changes next, to a value if one is told."""
        future = self.hass.loop.create_future()
        self._expected[future] = entity_id, value
        return future

    def start_over(self) -> None:
        """Forget what was written so far."""
        self.writes.clear()
        self.changes.clear()

    @callback
    def _note(
        self, event: Event[EventStateChangedData] | Event[EventStateReportedData]
    ) -> None:
        self.writes.setdefault(event.data["entity_id"], []).append(perf_counter())

    @callback
    def _note_change(self, event: Event[EventStateChangedData]) -> None:
        now = perf_counter()
        self._note(event)
        entity_id, state = event.data["entity_id"], event.data["new_state"]
        self.changes[entity_id] = self.changes.get(entity_id, 0) + 1
        for future, (wanted, value) in list(self._expected.items()):
            if wanted == entity_id and value in {None, state and state.state}:
                del self._expected[future]
                future.set_result(now)

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait, for so many turns of the loop: its clock may stand still."""
        for _ in range(TURNS):
            if done():
                return
            await asyncio.sleep(0)
        raise LookupError("the integration does not get to where it should")

    async def settle(self) -> None:
        """Wait for the reads that are under way, and all they lead to."""
        await self.hass.async_block_till_done()
        while reads := [
            t for t in asyncio.all_tasks() if t.get_name().endswith("refresh")
        ]:
            await asyncio.wait(reads)
        await self.hass.async_block_till_done()


@asynccontextmanager
async def home_assistant() -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant that knows no server yet."""
    with (
        TemporaryDirectory() as config,
        patch(
            "homeassistant.helpers.aiohttp_client._async_make_resolver",
            return_value=_Resolver(),
        ),
    ):
        async with async_test_home_assistant(config_dir=config) as hass:
            hass.data.pop(DATA_CUSTOM_COMPONENTS)
            try:
                yield hass
            finally:
                await hass.async_stop(force=True)


@asynccontextmanager
async def home(*, stream: bool = True) -> AsyncIterator[Home]:
    """Run both, with the stream connected unless the server is to have none."""
    # Runs end when told to.
    tasks = [replace(task, duration=None) for task in default_tasks().values()]
    async with PlexSimulator(tasks=tasks) as plex, home_assistant() as hass:
        plex.websocket_refusal = None if stream else 404
        entry = MockConfigEntry(
            domain=DOMAIN,
            title=plex.name,
            unique_id=plex.machine_identifier,
            data={
                CONF_URL: plex.url,
                CONF_TOKEN: plex.token,
                CONF_VERIFY_SSL: True,
            },
        )
        entry.add_to_hass(hass)
        if not await hass.config_entries.async_setup(entry.entry_id):
            raise LookupError("the integration cannot be set up")
        one = Home(hass, plex)
        if stream:
            reader = entry.runtime_data.butler
            await one.until(lambda: reader.update_interval == LIVE_INTERVAL)
        await one.settle()
        yield one
        await hass.config_entries.async_unload(entry.entry_id)


class _Resolver(ThreadedResolver):
    """Resolve names without the network's help; Home Assistant closes it as its own."""

    real_close = ThreadedResolver.close


@callback
def _all(_data: EventStateReportedData) -> bool:
    return True
