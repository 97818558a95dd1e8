"""Connecting: refused, slow, dead, redirected, IPv6 and TLS connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
import gc
import socket
import ssl
from typing import override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from freezegun.api import FrozenDateTimeFactory
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    PlexConnectionError,
    PlexHttpsRequiredError,
    PlexRedirectError,
    PlexResponseError,
    PlexServer,
    PlexTimeoutError,
    PlexTlsError,
    StartResult,
    connection,
)
from tests.simulator import Authority, Fault, PlexSimulator

from .common import Wire, http

BACKUP = "BackupDatabase"


class Names(AbstractResolver):
    """A resolver that fails for every name, as soon as it may answer."""

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
    """The client of a server whose name must be resolved."""
    connector = aiohttp.TCPConnector(resolver=names)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield PlexServer(session, "plex.invalid", "token")


async def raised(request: Awaitable[object]) -> type[object]:
    """Return the type of a request's error."""
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
    # aiohttp repeats the others by itself.
    assert len(plex.requests) == {"POST": 1}.get(method, 2)


async def test_server_that_is_back(plex: PlexSimulator, server: PlexServer) -> None:
    await server.get_butler_tasks()
    await plex.stop()
    with pytest.raises(PlexConnectionError):
        await server.get_butler_tasks()

    await plex.start()

    assert len(await server.get_butler_tasks()) == 22


# Sessions


async def test_cookies_are_neither_stored_nor_sent(
    plex: PlexSimulator, socket_enabled: None
) -> None:
    plex.cookie = "of-the-server"
    jar = aiohttp.CookieJar(unsafe=True)
    jar.update_cookies({"other": "of-another-client"}, URL(plex.url))
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        server = PlexServer(session, plex.url, plex.token)

        await server.get_butler_tasks()
        await server.get_butler_tasks()
        await server.start_all_tasks()
        async with server.notifications():
            pass

    assert len(plex.requests) == 4
    assert all("Cookie" not in request.headers for request in plex.requests)
    assert [cookie.key for cookie in jar] == ["other"]


async def test_headers_of_the_session_are_sent(plex: PlexSimulator) -> None:
    async with aiohttp.ClientSession(headers={"User-Agent": "of-the-home"}) as session:
        server = PlexServer(session, plex.url, plex.token)

        await server.get_name()
        async with server.notifications():
            pass

    agents = [request.headers["User-Agent"] for request in plex.requests]
    assert agents == ["of-the-home", "of-the-home"]


async def test_headers_of_the_session_are_replaced_in_any_case(
    plex: PlexSimulator,
) -> None:
    async with aiohttp.ClientSession(headers={"accept": "text/xml"}) as session:
        await PlexServer(session, plex.url, plex.token).get_name()

    (request,) = plex.requests
    assert request.headers.getall("Accept") == ["application/json"]


async def test_session_is_left_open(
    plex: PlexSimulator, recwarn: pytest.WarningsRecorder
) -> None:
    async with aiohttp.ClientSession() as session:
        server = PlexServer(session, plex.url, plex.token)
        await server.get_name()
        plex.inject(Fault.TRUNCATED)
        with pytest.raises(PlexConnectionError):
            await server.get_name()
        del server
        gc.collect()

        assert not session.closed
        async with session.get(plex.url):
            pass
    assert [str(w.message) for w in recwarn if "nclosed" in str(w.message)] == []


# Connections that were kept open

CALLS = [
    PlexServer.get_butler_tasks,
    PlexServer.start_all_tasks,
    PlexServer.stop_all_tasks,
]


@pytest.mark.parametrize("call", CALLS)
async def test_request_is_repeated_on_a_new_connection(
    session: aiohttp.ClientSession, call: Callable[[PlexServer], Awaitable[object]]
) -> None:
    async with Wire(http(connection="keep-alive"), drops_second=True) as wire:
        server = PlexServer(session, wire.address)
        await call(server)
        assert len(wire.requests) == 1
        # Now two connections are kept open.
        await asyncio.gather(call(server), call(server))
        assert (len(wire.requests), len(wire.dropped)) == (3, 1)

        await call(server)

        assert (len(wire.requests), len(wire.dropped)) == (4, 3)


@pytest.mark.parametrize("call", CALLS)
async def test_http_that_has_worked_before_does_not_ask_for_https(
    plex: PlexSimulator,
    server: PlexServer,
    call: Callable[[PlexServer], Awaitable[object]],
) -> None:
    plex.inject(Fault.NOT_FOUND, times=1)
    with pytest.raises(PlexResponseError):
        await server.get_identity()
    plex.inject(Fault.DROP)

    for _ in range(2):
        with pytest.raises(PlexConnectionError, match="without an answer") as error:
            await call(server)
        assert type(error.value) is PlexConnectionError


async def test_http_that_has_worked_for_a_websocket_does_not_ask_for_https(
    plex: PlexSimulator, server: PlexServer
) -> None:
    async with server.notifications():
        plex.inject(Fault.DROP)

        with pytest.raises(PlexConnectionError) as error:
            await server.get_butler_tasks()
    assert type(error.value) is PlexConnectionError


# No answer in time. With the freezer, the clock of the event loop stands still, too. It
# is the first of the fixtures, so that it ends last.


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
async def test_time_out_after_fifteen_seconds(
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


async def test_no_connection_within_five_seconds(
    freezer: FrozenDateTimeFactory, names: Names, lost: PlexServer
) -> None:
    request = asyncio.ensure_future(lost.get_butler_tasks())
    await names.asked.wait()

    freezer.tick(5.1)

    assert await raised(request) is PlexConnectionError


# IPv6


async def test_ipv6(
    plex: PlexSimulator, session: aiohttp.ClientSession, ipv6: None
) -> None:
    await plex.stop()
    plex.host = "::1"
    await plex.start()

    for url in (plex.url, f"[::1]:{plex.port}", f"http://[0:0::1]:{plex.port}/"):
        server = PlexServer(session, url, plex.token)
        assert await server.get_name() == plex.name
        async with server.notifications():
            pass
        assert {one.headers["Host"] for one in plex.requests} == {f"[::1]:{plex.port}"}


@pytest.mark.parametrize("zone", ["nowhere", "4294967295", "99999999999"])
async def test_zone_that_does_not_exist_is_a_failed_connection(
    session: aiohttp.ClientSession, ipv6: None, zone: str
) -> None:
    server = PlexServer(session, f"http://[fe80::1%{zone}]:1", "token")

    assert await raised(server.get_butler_tasks()) is PlexConnectionError


# TLS


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    """The TLS context of a server at 127.0.0.1."""
    return authority.valid_for("127.0.0.1")


async def test_https(tls: ssl.SSLContext, trusting: aiohttp.ClientSession) -> None:
    async with Wire(http(), tls=tls) as wire:
        server = PlexServer(trusting, f"https://{wire.address}", "token")

        assert await server.get_butler_tasks() == ()

    assert b"X-Plex-Token: token" in wire.requests[0]


async def test_untrusted_certificate(
    tls: ssl.SSLContext, session: aiohttp.ClientSession
) -> None:
    async with Wire(http(), tls=tls) as wire:
        server = PlexServer(session, f"https://{wire.address}", "token")

        with pytest.raises(PlexTlsError, match="certificate"):
            await server.get_butler_tasks()

    assert wire.requests == []


async def test_https_to_an_http_server(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    server = PlexServer(session, f"https://127.0.0.1:{plex.port}", "token")

    with pytest.raises(PlexTlsError):
        await server.get_butler_tasks()


async def test_http_to_an_https_server(
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


async def test_handshake_that_never_ends(
    freezer: FrozenDateTimeFactory, session: aiohttp.ClientSession
) -> None:
    async with Wire(b"") as silent:
        server = PlexServer(session, f"https://{silent.address}", "token")
        request = asyncio.ensure_future(server.get_butler_tasks())
        await silent.connected.wait()

        freezer.tick(5.1)

        assert await raised(request) is PlexConnectionError


# Redirects


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
async def test_redirect_to_another_address_is_refused(
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


async def test_redirect_loop(plex: PlexSimulator, server: PlexServer) -> None:
    plex.inject(Fault.REDIRECT_LOOP)

    with pytest.raises(PlexRedirectError, match="too often"):
        await server.get_butler_tasks()

    assert len(plex.requests) == 4


async def test_three_redirects_in_a_row_are_followed(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.REDIRECT_LOOP, times=3)

    assert len(await server.get_butler_tasks()) == 22


@pytest.mark.parametrize("status", [307, 400])
async def test_body_is_not_read_before_the_next_request(
    socket_enabled: None, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(connection, "PAUSE", 0)
    never = http(status, b"", content_length="1", location="/there")
    # There is only one connection: if it is not released, the next request hangs.
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        Wire(never, http()) as wire,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        assert await PlexServer(session, wire.address).get_butler_tasks() == ()


async def test_location_without_a_redirect_status(
    session: aiohttp.ClientSession,
) -> None:
    location = "http://elsewhere.example.com/"
    async with Wire(http(location=location), http(500, location=location)) as wire:
        server = PlexServer(session, wire.address)

        assert await server.get_butler_tasks() == ()
        with pytest.raises(PlexResponseError) as raised:
            await server.get_butler_tasks()

    assert raised.value.status == 500
