"""Connecting to plex.direct names without resolving them."""

from collections.abc import AsyncIterator
from ssl import SSLContext

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexConnectionError,
    PlexRedirectError,
    PlexServer,
    PlexTlsError,
    StartResult,
)
from tests.simulator import Authority, Fault, PlexSimulator, direct_name

from .common import HASH, WEBSOCKET, Wire, http

OTHER_HASH = "fedcba9876543210fedcba9876543210"
NAME = direct_name("127.0.0.1", HASH)
OTHER_NAME = direct_name("127.0.0.1", OTHER_HASH)


@pytest.fixture(scope="module")
def tls(authority: Authority) -> SSLContext:
    """The TLS context of a Plex Media Server."""
    return authority.direct(HASH)


def simulator_at(host: str, tls: SSLContext) -> PlexSimulator:
    """Return a server that speaks TLS, not started yet."""
    simulator = PlexSimulator()
    simulator.host = host
    simulator.ssl_context = tls
    return simulator


@pytest.fixture
async def plex(tls: SSLContext, socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    async with simulator_at("127.0.0.1", tls) as plex:
        yield plex


@pytest.fixture
def url(plex: PlexSimulator) -> str:
    return f"https://{NAME}:{plex.port}"


@pytest.fixture
def server(
    plex: PlexSimulator, url: str, trusting: aiohttp.ClientSession
) -> PlexServer:
    return PlexServer(trusting, url, plex.token)


async def test_every_call(plex: PlexSimulator, url: str, server: PlexServer) -> None:
    identity = await server.get_identity()

    assert identity.machine_identifier == plex.machine_identifier
    assert await server.get_name() == plex.name
    assert len(await server.get_butler_tasks()) == 22
    assert await server.start_task("BackupDatabase") is StartResult.STARTED
    assert str(server.url) == url


@pytest.mark.parametrize("name", [NAME.upper(), f"{NAME}.", f"{NAME.upper()}."])
async def test_a_name_may_be_written_in_other_ways(
    plex: PlexSimulator, trusting: aiohttp.ClientSession, name: str
) -> None:
    server = PlexServer(trusting, f"https://{name}:{plex.port}", plex.token)

    assert await server.get_name() == plex.name
    assert plex.requests[0].headers.getall("Host") == [f"{NAME}:{plex.port}"]


async def test_host_header(plex: PlexSimulator, server: PlexServer) -> None:
    await server.get_identity()
    await server.get_butler_tasks()

    hosts = [request.headers.getall("Host") for request in plex.requests]
    assert hosts == 2 * [[f"{NAME}:{plex.port}"]]
    assert [request.token for request in plex.requests] == [None, plex.token]


async def test_name_without_tls(
    trusting: aiohttp.ClientSession,
) -> None:
    async with PlexSimulator() as plex:
        server = PlexServer(trusting, f"http://{NAME}:{plex.port}", plex.token)

        assert await server.get_name() == plex.name
        assert plex.requests[0].headers["Host"] == f"{NAME}:{plex.port}"


async def test_ipv6_address_in_the_name(
    tls: SSLContext, trusting: aiohttp.ClientSession, ipv6: None
) -> None:
    async with simulator_at("::1", tls) as plex:
        for name in (direct_name("::1", HASH), direct_name("0:0:0:0:0:0:0:1", HASH)):
            server = PlexServer(trusting, f"https://{name}:{plex.port}", plex.token)

            assert await server.get_name() == plex.name
            async with server.notifications():
                pass
            assert plex.requests[-1].headers["Host"] == f"{name}:{plex.port}"

        other = f"https://{direct_name('::1', OTHER_HASH)}:{plex.port}"
        with pytest.raises(PlexTlsError, match="certificate"):
            await PlexServer(trusting, other, plex.token).get_name()
        assert len(plex.requests) == 4


async def test_redirect_to_an_ipv6_address_or_its_name(
    tls: SSLContext, trusting: aiohttp.ClientSession, ipv6: None
) -> None:
    async with simulator_at("::1", tls) as plex:
        name = direct_name("::1", HASH)
        server = PlexServer(trusting, f"https://{name}:{plex.port}", plex.token)
        for host in (name, "[::1]"):
            plex.redirect_target = f"https://{host}:{plex.port}/butler"
            plex.inject(Fault.REDIRECT_ELSEWHERE, times=1)

            assert len(await server.get_butler_tasks()) == 22


@pytest.mark.parametrize("address", ["fe80::1", "ff02::1", "::"])
async def test_ipv6_address_that_cannot_be_reached(
    trusting: aiohttp.ClientSession, ipv6: None, address: str
) -> None:
    url = f"https://{direct_name(address, HASH)}:1"

    with pytest.raises(PlexConnectionError):
        await PlexServer(trusting, url).get_identity()


async def test_another_name_is_looked_up(trusting: aiohttp.ClientSession) -> None:
    server = PlexServer(trusting, "https://plex.example.com:32400")

    with pytest.raises(AssertionError, match=r"plex\.example\.com was looked up"):
        await server.get_identity()


# Certificates


@pytest.fixture
def other(plex: PlexSimulator, trusting: aiohttp.ClientSession) -> PlexServer:
    """The client of another server, at the same address."""
    return PlexServer(trusting, f"https://{OTHER_NAME}:{plex.port}", plex.token)


async def test_the_certificate_of_another_server_is_refused(
    plex: PlexSimulator, other: PlexServer
) -> None:
    with pytest.raises(PlexTlsError, match="certificate"):
        await other.get_butler_tasks()
    with pytest.raises(PlexTlsError, match="certificate"):
        async with other.notifications():
            pass

    assert plex.requests == []


async def test_a_connection_is_not_used_under_another_name(
    plex: PlexSimulator,
    server: PlexServer,
    other: PlexServer,
    trusting: aiohttp.ClientSession,
) -> None:
    by_address = PlexServer(trusting, plex.url, plex.token)
    await server.get_butler_tasks()

    for wrong in (other, by_address):
        with pytest.raises(PlexTlsError, match="certificate"):
            await wrong.get_butler_tasks()

    assert len(plex.requests) == 1


async def test_a_certificate_for_the_address_is_not_one_for_the_name(
    authority: Authority, trusting: aiohttp.ClientSession
) -> None:
    async with Wire(http(), tls=authority.valid_for("127.0.0.1")) as wire:
        port = wire.address.partition(":")[2]
        server = PlexServer(trusting, f"https://{NAME}:{port}", "token")

        with pytest.raises(PlexTlsError, match="certificate"):
            await server.get_butler_tasks()

    assert wire.requests == []


async def test_untrusted_certificate(
    plex: PlexSimulator, url: str, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(PlexTlsError, match="certificate"):
        await PlexServer(session, url, plex.token).get_butler_tasks()

    assert plex.requests == []


# The websocket


async def test_the_websocket(plex: PlexSimulator, server: PlexServer) -> None:
    async with server.notifications() as websocket:
        plex.send_frame("Hello")

        assert (await websocket.receive()).data == "Hello"

    (request,) = plex.requests
    assert request.headers.getall("Host") == [f"{NAME}:{plex.port}"]
    assert request.token == plex.token


@pytest.mark.parametrize("host", [NAME, "127.0.0.1"])
async def test_the_websocket_follows_no_redirect(
    plex: PlexSimulator, server: PlexServer, host: str
) -> None:
    plex.redirect_target = f"https://{host}:{plex.port}{WEBSOCKET}"
    plex.inject(Fault.REDIRECT_ELSEWHERE, WEBSOCKET, times=1)

    with pytest.raises(PlexRedirectError):
        async with server.notifications():
            pass

    assert len(plex.requests) == 1


# Redirects


@pytest.mark.parametrize(
    "hosts", [(NAME,), ("127.0.0.1",), (NAME, "127.0.0.1", NAME), ("127.0.0.1", NAME)]
)
async def test_a_redirect_to_the_name_or_to_the_address_is_followed(
    tls: SSLContext, trusting: aiohttp.ClientSession, hosts: tuple[str, ...]
) -> None:
    async with Wire(b"", tls=tls) as wire:
        port = wire.address.partition(":")[2]
        targets = [f"https://{host}:{port}/there" for host in hosts]
        redirects = [http(302, b"", location=target) for target in targets]
        wire.give(*redirects, http())
        server = PlexServer(trusting, f"https://{NAME}:{port}", "token")

        assert await server.get_butler_tasks() == ()

    assert len(wire.requests) == 1 + len(hosts)
    for request in wire.requests[1:]:
        assert request.startswith(b"GET /there HTTP/1.1\r\n")
        assert f"Host: {NAME}:{port}\r\n".encode() in request
        assert b"X-Plex-Token: token\r\n" in request


@pytest.mark.parametrize(
    "target",
    [
        f"https://{OTHER_NAME}:{{port}}/butler",
        f"https://{direct_name('127.0.0.2', HASH)}:{{port}}/butler",
        f"https://{NAME}.example.com:{{port}}/butler",
        "https://127.0.0.2:{port}/butler",
        "https://localhost:{port}/butler",
        f"https://{NAME}/butler",
        "https://127.0.0.1/butler",
        f"http://{NAME}:{{port}}/butler",
        "http://127.0.0.1:{port}/butler",
        "//elsewhere.example.com:{port}/butler",
    ],
)
async def test_a_redirect_to_anywhere_else_is_refused(
    plex: PlexSimulator, server: PlexServer, target: str
) -> None:
    plex.inject(Fault.REDIRECT_ELSEWHERE)
    plex.redirect_target = target.format(port=plex.port)

    with pytest.raises(PlexRedirectError, match="to another address"):
        await server.get_butler_tasks()

    assert len(plex.requests) == 1


async def test_a_redirect_from_an_address_to_its_name_is_refused(
    trusting: aiohttp.ClientSession,
) -> None:
    """Only from a name to its address."""
    async with PlexSimulator() as plex:
        plex.inject(Fault.REDIRECT_ELSEWHERE)
        plex.redirect_target = f"http://{NAME}:{plex.port}/butler"

        with pytest.raises(PlexRedirectError, match="to another address"):
            await PlexServer(trusting, plex.url, plex.token).get_butler_tasks()


async def test_a_connection_is_used_for_one_name_only(
    plex: PlexSimulator, url: str, trusting: aiohttp.ClientSession
) -> None:
    """A connection that was kept open does not vouch for another name."""
    await PlexServer(trusting, url).get_identity()
    plex.requests.clear()

    other = url.replace(NAME, OTHER_NAME)
    for _ in range(2):
        with pytest.raises(PlexTlsError):
            await PlexServer(trusting, other, plex.token).get_butler_tasks()

    assert plex.requests == []
