"""Simulated servers speak TLS as Plex's do, with the certificates of plex.direct."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from ssl import SSLContext, create_default_context

import aiohttp
import pytest

from tests.simulator import Authority, PlexSimulator, direct_name

from .client import Reply, ask

HASH = "0123456789abcdef0123456789abcdef"
NAME = f"127-0-0-1.{HASH}.plex.direct"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trusting(authority: Authority) -> SSLContext:
    context = create_default_context()
    authority.trust(context)
    return context


@pytest.fixture
async def secure(authority: Authority) -> AsyncGenerator[PlexSimulator]:
    """A server with a certificate as Plex's have."""
    async with _speaking(authority.direct(HASH)) as plex:
        yield plex


def _speaking(context: SSLContext) -> PlexSimulator:
    plex = PlexSimulator()
    plex.ssl_context = context
    return plex


async def _ask(plex: PlexSimulator, trust: SSLContext, name: str) -> Reply:
    """Ask a server for its identity under a name nobody has to look up."""
    url = f"{plex.url}/identity"
    async with aiohttp.ClientSession() as session:
        return await ask(session, "GET", url, ssl=trust, server_hostname=name)


def test_direct_name() -> None:
    assert direct_name("192.168.1.20", HASH) == f"192-168-1-20.{HASH}.plex.direct"
    assert direct_name("127.0.0.1", HASH) == NAME


async def test_direct_name_is_valid(
    secure: PlexSimulator, trusting: SSLContext
) -> None:
    assert secure.url.startswith("https://")
    assert (await _ask(secure, trusting, NAME)).status == 200


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        f"{HASH}.plex.direct",
        direct_name("127.0.0.1", "f" * 32),
    ],
)
async def test_no_other_name_is_valid(
    secure: PlexSimulator, trusting: SSLContext, name: str
) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await _ask(secure, trusting, name)


async def test_who_does_not_trust_the_authority(secure: PlexSimulator) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await _ask(secure, create_default_context(), NAME)


async def test_trust_from_a_file(
    authority: Authority, secure: PlexSimulator, tmp_path: Path
) -> None:
    file = tmp_path / "authority.pem"
    file.write_bytes(authority.pem)

    trusting = create_default_context(cafile=file)
    assert (await _ask(secure, trusting, NAME)).status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "server.invalid", NAME])
async def test_self_signed_is_never_valid(trusting: SSLContext, name: str) -> None:
    async with _speaking(Authority.self_signed()) as plex:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await _ask(plex, trusting, name)


async def test_valid_for(authority: Authority, trusting: SSLContext) -> None:
    context = authority.valid_for("127.0.0.1", "plex.example.com")
    async with _speaking(context) as plex:
        assert (await _ask(plex, trusting, "127.0.0.1")).status == 200
        assert (await _ask(plex, trusting, "plex.example.com")).status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await _ask(plex, trusting, "localhost")


# Plain HTTP where secure connections are required


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_plain_http_is_dropped_unanswered(
    secure: PlexSimulator, method: str
) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.request(method, f"http://127.0.0.1:{secure.port}/butler")
    assert secure.requests == []


async def test_plain_http_gets_not_a_single_byte(secure: PlexSimulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", secure.port)
    writer.write(b"GET /identity HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert await reader.read() == b""
    writer.close()
