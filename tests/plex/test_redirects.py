"""A redirect is followed on the same server only: the token goes nowhere else."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexRedirectError,
    PlexResponseError,
    PlexServer,
    StartResult,
)
from tests.simulator import Fault, PlexSimulator

from .wire import Wire, http

BACKUP = "BackupDatabase"


@pytest.fixture
async def elsewhere(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """Another server, on the same host."""
    async with PlexSimulator() as simulator:
        yield simulator


async def test_the_token_is_not_sent_elsewhere(
    plex: PlexSimulator, server: PlexServer, elsewhere: PlexSimulator
) -> None:
    plex.inject(Fault.REDIRECT_ELSEWHERE)
    plex.redirect_target = f"{elsewhere.url}/butler"

    with pytest.raises(PlexRedirectError, match="to another address"):
        await server.get_butler_tasks()
    with pytest.raises(PlexRedirectError, match="to another address"):
        await server.start_all_tasks()

    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.1:{port}/butler",
        "https://127.0.0.1/butler",
        "http://localhost:{port}/butler",
        "http://127.0.0.1/butler",
        "//elsewhere.example.com:{port}/butler",
        "http://127.0.0.1:{port}@elsewhere.example.com/butler",
        "ftp://127.0.0.1:{port}/butler",
        "http://[",
        "http://[]@",
        "http://127.0.0.1:port/",
        "mailto:owner@example.com",
        "data:,tasks",
    ],
)
async def test_a_redirect_to_no_address_of_the_server_is_refused(
    plex: PlexSimulator, server: PlexServer, target: str
) -> None:
    plex.inject(Fault.REDIRECT_ELSEWHERE)
    plex.redirect_target = target.format(port=plex.port)

    with pytest.raises(PlexRedirectError):
        await server.get_butler_tasks()

    assert len(plex.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/there/butler", b"/there/butler"),
        ("there?a=b", b"/here/there?a=b"),
        ("../there/", b"/there/"),
        ("http://{address}/there", b"/there"),
    ],
)
async def test_a_redirect_on_the_same_server_is_followed(
    session: aiohttp.ClientSession, status: int, target: str, path: bytes
) -> None:
    async with Wire(b"", http()) as wire:
        location = target.format(address=wire.address)
        wire.give(http(status, b"", location=location), http())
        server = PlexServer(session, f"{wire.address}/here/", "token")

        assert await server.get_butler_tasks() == ()

    first, second = wire.requests
    assert first.startswith(b"GET /here/butler HTTP/1.1\r\n")
    assert second.startswith(b"GET " + path + b" HTTP/1.1\r\n")
    assert b"X-Plex-Token: token\r\n" in second


async def test_a_redirect_that_keeps_the_method_is_followed_by_a_start(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.REDIRECT_HERE)

    assert await server.start_task("OptimizeDatabase") is StartResult.STARTED
    assert plex.started == ["OptimizeDatabase"]
    assert [request.method for request in plex.requests] == ["POST", "POST"]


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_makes_it_a_get_is_not_followed_by_a_start(
    session: aiohttp.ClientSession, status: int
) -> None:
    async with Wire(http(status, b"", location="/there")) as wire:
        server = PlexServer(session, wire.address)

        with pytest.raises(PlexRedirectError, match=f"status {status}"):
            await server.start_task(BACKUP)
        with pytest.raises(PlexRedirectError, match=f"status {status}"):
            await server.stop_task(BACKUP)

    assert len(wire.requests) == 2


async def test_a_redirect_that_keeps_the_method_for_good_is_followed_by_a_start(
    session: aiohttp.ClientSession,
) -> None:
    async with Wire(http(308, b"", location="/there"), http()) as wire:
        server = PlexServer(session, wire.address)

        assert await server.start_task(BACKUP) is StartResult.STARTED

    assert wire.requests[1].startswith(b"POST /there ")


async def test_a_loop_ends(plex: PlexSimulator, server: PlexServer) -> None:
    plex.inject(Fault.REDIRECT_LOOP)

    with pytest.raises(PlexRedirectError, match="too often"):
        await server.get_butler_tasks()

    assert len(plex.requests) == 4


async def test_three_redirects_in_a_row_are_followed(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.REDIRECT_LOOP, times=3)

    assert len(await server.get_butler_tasks()) == 22


async def test_what_a_redirect_says_is_not_waited_for(socket_enabled: None) -> None:
    never = http(307, b"", content_length="1", location="/there")
    # A connection that is not given back is missed when there is only one.
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        Wire(never, http()) as wire,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        assert await PlexServer(session, wire.address).get_butler_tasks() == ()


async def test_a_location_alone_is_no_redirect(session: aiohttp.ClientSession) -> None:
    location = "http://elsewhere.example.com/"
    async with Wire(http(location=location), http(500, location=location)) as wire:
        server = PlexServer(session, wire.address)

        assert await server.get_butler_tasks() == ()
        with pytest.raises(PlexResponseError) as raised:
            await server.get_butler_tasks()

    assert raised.value.status == 500
