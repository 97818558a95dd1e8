"""A simulator and a client of it; no Home Assistant takes part."""

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from tests.simulator import PlexSimulator, PlexTvSimulator

from .client import AccountClient, Client, Searcher


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


@pytest.fixture
async def plex_tv() -> AsyncGenerator[PlexTvSimulator]:
    async with PlexTvSimulator() as plex_tv:
        yield plex_tv


@pytest.fixture
async def ask_tv(plex_tv: PlexTvSimulator) -> AsyncGenerator[AccountClient]:
    async with aiohttp.ClientSession() as session:
        yield AccountClient(plex_tv, session)


@pytest.fixture
async def searcher() -> AsyncGenerator[Searcher]:
    transport, searcher = await asyncio.get_running_loop().create_datagram_endpoint(
        Searcher, ("127.0.0.1", 0)
    )
    yield searcher
    transport.close()
