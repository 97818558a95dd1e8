"""Servers that cannot be reached, do not answer, or do not speak TLS as they should."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
import socket
import ssl
from typing import override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.plex_butler.plex import (
    PlexConnectionError,
    PlexHttpsRequiredError,
    PlexServer,
    PlexTimeoutError,
    PlexTlsError,
)
from tests.simulator import Authority, Fault, PlexSimulator

from .wire import Wire, http


class Names(AbstractResolver):
    """Knows no name, and says so when it may answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    @override
    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        self.asked.set()
        await self.may_answer.wait()
        raise OSError(None, "Name or service not known")

    @override
    async def close(self) -> None:
        pass


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def lost(names: Names, socket_enabled: None) -> AsyncIterator[PlexServer]:
    """A server whose name must be looked up."""
    connector = aiohttp.TCPConnector(resolver=names)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield PlexServer(session, "plex.invalid", "token")


async def raised(request: Awaitable[object]) -> type[object]:
    """Return exactly what a request failed with."""
    (error,) = await asyncio.gather(request, return_exceptions=True)
    return type(error)


# Not reached


async def test_a_refused_connection(plex: PlexSimulator, server: PlexServer) -> None:
    await plex.stop()

    with pytest.raises(PlexConnectionError, match="Cannot connect") as error:
        await server.get_butler_tasks()
    assert type(error.value) is PlexConnectionError


async def test_an_unknown_name(names: Names, lost: PlexServer) -> None:
    names.may_answer.set()

    with pytest.raises(PlexConnectionError, match="Name or service not") as error:
        await lost.get_butler_tasks()
    assert type(error.value) is PlexConnectionError


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_http_dropped_unanswered_asks_for_https(
    plex: PlexSimulator, server: PlexServer, method: str
) -> None:
    plex.inject(Fault.DROP)
    calls = {
        "GET": server.get_butler_tasks,
        "POST": server.start_all_tasks,
        "DELETE": server.stop_all_tasks,
    }

    with pytest.raises(PlexHttpsRequiredError):
        await calls[method]()


async def test_the_server_is_there_again_for_the_next_call(
    plex: PlexSimulator, server: PlexServer
) -> None:
    await server.get_butler_tasks()
    await plex.stop()
    with pytest.raises(PlexConnectionError):
        await server.get_butler_tasks()

    await plex.start()

    assert len(await server.get_butler_tasks()) == 22


# No answer in time. The event loop's clock stands still, too, once a test has the
# freezer; it comes first among the fixtures, so that nothing outlives it.


async def test_an_answer_may_take_fourteen_seconds(
    freezer: FrozenDateTimeFactory, plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.SLOW)
    request = asyncio.ensure_future(server.get_butler_tasks())
    await plex.wait_for_request("GET", "/butler")

    freezer.tick(14)
    plex.clear_faults()

    assert len(await request) == 22


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DRIP])
async def test_no_whole_answer_within_fifteen_seconds_is_a_time_out(
    freezer: FrozenDateTimeFactory,
    plex: PlexSimulator,
    server: PlexServer,
    fault: Fault,
) -> None:
    plex.inject(fault)
    request = asyncio.ensure_future(server.get_butler_tasks())
    await plex.wait_for_request("GET", "/butler")

    freezer.tick(16)  # time-outs above 5 s end on the full second

    assert await raised(request) is PlexTimeoutError


async def test_the_time_for_an_answer_includes_its_body(
    freezer: FrozenDateTimeFactory, plex: PlexSimulator
) -> None:
    head = asyncio.Event()
    trace = aiohttp.TraceConfig()

    async def on_head(*_: object) -> None:
        head.set()

    trace.on_request_end.append(on_head)
    plex.inject(Fault.DRIP)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        server = PlexServer(session, plex.url, plex.token)
        request = asyncio.ensure_future(server.get_butler_tasks())
        await head.wait()

        freezer.tick(16)

        assert await raised(request) is PlexTimeoutError


async def test_a_start_without_an_answer_is_a_time_out(
    freezer: FrozenDateTimeFactory, plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.SLOW)
    request = asyncio.ensure_future(server.start_task("BackupDatabase"))
    await plex.wait_for_request("POST", "/butler/BackupDatabase")

    freezer.tick(16)

    assert await raised(request) is PlexTimeoutError


async def test_connecting_may_take_four_seconds(
    freezer: FrozenDateTimeFactory, names: Names, lost: PlexServer
) -> None:
    request = asyncio.ensure_future(lost.get_butler_tasks())
    await names.asked.wait()

    freezer.tick(4)
    names.may_answer.set()

    with pytest.raises(PlexConnectionError, match="Name or service not known"):
        await request


async def test_no_connection_within_five_seconds_is_no_slow_answer(
    freezer: FrozenDateTimeFactory, names: Names, lost: PlexServer
) -> None:
    request = asyncio.ensure_future(lost.get_butler_tasks())
    await names.asked.wait()

    freezer.tick(5.1)

    assert await raised(request) is PlexConnectionError


# TLS


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    """What a server at 127.0.0.1 speaks, with a certificate few trust."""
    return authority.valid_for("127.0.0.1")


async def test_https(tls: ssl.SSLContext, trusting: aiohttp.ClientSession) -> None:
    async with Wire(http(), tls=tls) as wire:
        server = PlexServer(trusting, f"https://{wire.address}", "token")

        assert await server.get_butler_tasks() == ()

    assert b"X-Plex-Token: token" in wire.requests[0]


async def test_a_certificate_no_one_trusts(
    tls: ssl.SSLContext, session: aiohttp.ClientSession
) -> None:
    async with Wire(http(), tls=tls) as wire:
        server = PlexServer(session, f"https://{wire.address}", "token")

        with pytest.raises(PlexTlsError, match="certificate"):
            await server.get_butler_tasks()

    assert wire.requests == []


async def test_https_where_http_is_spoken(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    server = PlexServer(session, f"https://127.0.0.1:{plex.port}", "token")

    with pytest.raises(PlexTlsError):
        await server.get_butler_tasks()


async def test_http_where_https_is_spoken(
    tls: ssl.SSLContext, session: aiohttp.ClientSession
) -> None:
    async with Wire(http(), tls=tls) as wire:
        with pytest.raises(PlexConnectionError):
            await PlexServer(session, wire.address).get_butler_tasks()


async def test_https_dropped_unanswered_is_a_lost_connection(
    tls: ssl.SSLContext, trusting: aiohttp.ClientSession
) -> None:
    async with Wire(b"", tls=tls) as wire:
        server = PlexServer(trusting, f"https://{wire.address}", "token")

        with pytest.raises(PlexConnectionError) as error:
            await server.get_butler_tasks()

    assert type(error.value) is PlexConnectionError


async def test_a_handshake_that_never_ends_is_no_connection(
    freezer: FrozenDateTimeFactory, session: aiohttp.ClientSession
) -> None:
    async with Wire(b"") as silent:
        server = PlexServer(session, f"https://{silent.address}", "token")
        request = asyncio.ensure_future(server.get_butler_tasks())
        await silent.connected.wait()

        freezer.tick(5.1)

        assert await raised(request) is PlexConnectionError
