"""A simulator and a client of it; no Home Assistant takes part."""

from collections.abc import AsyncGenerator

import aiohttp
import pytest

from tests.simulator import PlexSimulator

from .client import Client


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:
    """Let every test talk to this machine."""


@pytest.fixture
async def plex() -> AsyncGenerator[PlexSimulator]:
    async with PlexSimulator() as plex:
        yield plex


@pytest.fixture
async def ask(plex: PlexSimulator) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(plex, session)
