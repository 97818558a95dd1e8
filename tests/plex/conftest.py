"""Fixtures of the tests of the Plex side. No Home Assistant runs in them."""

from collections.abc import AsyncIterator
import socket
import ssl
from typing import NoReturn, override

import aiohttp
from aiohttp.abc import AbstractResolver
import pytest
import pytest_socket
from yarl import URL

from custom_components.plex_butler.plex import PlexServer, account
from tests.simulator import Authority, PlexSimulator, PlexTvSimulator


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
    """The client of the server, with the owner's token."""
    return PlexServer(session, plex.url, plex.token)


@pytest.fixture
def ipv6(socket_enabled: None) -> None:
    """Allow connections to IPv6 addresses, where this machine has any."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6")
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::", "::1", "fe80::1", "ff02::1"])


class NoNames(AbstractResolver):
    """A resolver that fails the test."""

    @override
    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> NoReturn:
        raise AssertionError(f"{host} was looked up")

    @override
    async def close(self) -> None:
        pass


@pytest.fixture
async def trusting(
    authority: Authority, socket_enabled: None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that trusts the authority and cannot resolve names."""
    context = ssl.create_default_context()
    authority.trust(context)
    connector = aiohttp.TCPConnector(ssl=context, resolver=NoNames())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
async def plex_tv(
    monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> AsyncIterator[PlexTvSimulator]:
    """plex.tv, at all of its addresses."""
    async with PlexTvSimulator() as simulator:
        url = URL(f"{simulator.url}/api/v2")
        monkeypatch.setattr(account, "PLEX_TV_URL", url)
        monkeypatch.setattr(account, "PLEX_TV_CLIENTS_URL", url)
        yield simulator
