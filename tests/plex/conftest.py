"""What the tests of the Plex side share. No Home Assistant runs in them."""

from collections.abc import AsyncIterator

import aiohttp
from hypothesis import HealthCheck, settings
import pytest

from custom_components.plex_butler.plex import PlexServer
from tests.simulator import PlexSimulator

# The same examples every time: what fails here fails everywhere. A fixture serves all
# examples of a test, and a busy machine is no reason to fail.
settings.register_profile(
    "plex_butler",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("plex_butler")


@pytest.fixture
async def plex(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """A Plex Media Server."""
    async with PlexSimulator() as simulator:
        yield simulator


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def server(plex: PlexSimulator, session: aiohttp.ClientSession) -> PlexServer:
    """The server as its owner's client sees it."""
    return PlexServer(session, plex.url, plex.token)
