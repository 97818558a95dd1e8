"""Which of many addresses is a server's."""

import asyncio
from collections.abc import AsyncIterator
from ssl import SSLContext

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    AccountServer,
    ClientInfo,
    find_address,
)
from tests import simulator
from tests.simulator import AccountConnection, Authority, Fault, PlexSimulator

from .common import HASH, Wire, http, idle

IDENTITY = "/identity"
IMPOSTOR = "another-server"


@pytest.fixture
def wanted(plex: PlexSimulator) -> str:
    return plex.machine_identifier


@pytest.fixture
async def again(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """The same server at another address."""
    async with PlexSimulator() as simulator:
        yield simulator


@pytest.fixture
async def impostor(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    """Another server."""
    async with PlexSimulator(machine_identifier=IMPOSTOR) as simulator:
        yield simulator


@pytest.fixture
def dead() -> str:
    """Where nobody listens."""
    return AccountConnection.dead().uri


def asks() -> list[str]:
    """Return what is still asked."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    names = [getattr(one, "__qualname__", "") for one in coroutines]
    return [name for name in names if name.startswith("find_address")]


async def test_the_first_address_that_answers(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    again: PlexSimulator,
    wanted: str,
) -> None:
    assert await find_address(session, [plex.url, again.url], wanted) == URL(plex.url)
    assert await find_address(session, [again.url, plex.url], wanted) == URL(again.url)


async def test_the_address_may_be_one_that_people_type(
    session: aiohttp.ClientSession, plex: PlexSimulator, wanted: str
) -> None:
    typed = f"127.0.0.1:{plex.port}/web/index.html"

    assert await find_address(session, iter([typed]), wanted) == URL(plex.url)


async def test_no_token_is_sent_and_the_client_introduced(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    impostor: PlexSimulator,
    wanted: str,
) -> None:
    urls = [impostor.url, plex.url]
    client = ClientInfo(identifier="of-this-home")

    await find_address(session, urls, wanted, client=client)

    for request in (*plex.requests, *impostor.requests):
        assert (request.method, request.raw_path) == ("GET", IDENTITY)
        assert request.query == ""
        assert request.token is None
        assert request.headers["X-Plex-Client-Identifier"] == "of-this-home"
    assert len(plex.requests) == len(impostor.requests) == 1


async def test_all_are_asked_at_once_and_the_order_decides(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    again: PlexSimulator,
    wanted: str,
) -> None:
    plex.inject(Fault.SLOW)
    finding = asyncio.ensure_future(
        find_address(session, [plex.url, again.url], wanted)
    )
    await plex.wait_for_request("GET", IDENTITY)
    await again.wait_for_request("GET", IDENTITY)
    await idle()
    assert not finding.done()

    plex.clear_faults()

    assert await finding == URL(plex.url)


async def test_another_server_is_passed_over(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    impostor: PlexSimulator,
    wanted: str,
) -> None:
    urls = [impostor.url, plex.url]

    assert await find_address(session, urls, wanted) == URL(plex.url)
    assert await find_address(session, urls, IMPOSTOR) == URL(impostor.url)
    assert await find_address(session, urls, "nobody") is None
    assert await find_address(session, urls, "") is None


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault.DROP, Fault.NOT_FOUND, Fault.BAD_GATEWAY, Fault.MAINTENANCE),
        *(Fault.HTML, Fault.EMPTY, Fault.HUGE, Fault.REDIRECT_ELSEWHERE),
    ],
)
async def test_who_does_not_answer_well_is_passed_over(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    again: PlexSimulator,
    wanted: str,
    fault: Fault,
) -> None:
    plex.inject(fault)

    urls = [plex.url, again.url]

    assert await find_address(session, urls, wanted) == URL(again.url)


@pytest.mark.parametrize(
    "url",
    ["", "http://", "ftp://127.0.0.1", "http://user:password@127.0.0.1", "a b", "[]@"],
)
async def test_what_is_no_address_is_passed_over(
    session: aiohttp.ClientSession, plex: PlexSimulator, wanted: str, url: str
) -> None:
    assert await find_address(session, [url], wanted) is None
    assert await find_address(session, [url, plex.url], wanted) == URL(plex.url)


async def test_nobody_answers(
    session: aiohttp.ClientSession, dead: str, wanted: str
) -> None:
    assert await find_address(session, [dead], wanted) is None
    assert await find_address(session, [], wanted) is None


async def test_where_nobody_listens_is_passed_over(
    session: aiohttp.ClientSession, plex: PlexSimulator, dead: str, wanted: str
) -> None:
    assert await find_address(session, [dead, plex.url], wanted) == URL(plex.url)


async def test_who_takes_longer_than_five_seconds_is_passed_over(
    freezer: FrozenDateTimeFactory,
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    again: PlexSimulator,
    wanted: str,
) -> None:
    plex.inject(Fault.SLOW)
    finding = asyncio.ensure_future(
        find_address(session, [plex.url, again.url], wanted)
    )
    await plex.wait_for_request("GET", IDENTITY)
    await again.wait_for_request("GET", IDENTITY)
    await idle()

    freezer.tick(4.9)
    await idle()
    assert not finding.done()
    freezer.tick(0.2)

    assert await finding == URL(again.url)


# How often


async def test_each_address_is_asked_once(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    impostor: PlexSimulator,
    wanted: str,
) -> None:
    urls = [impostor.url, plex.url, impostor.url, plex.url]

    assert await find_address(session, urls, wanted) == URL(plex.url)
    assert len(plex.requests) == len(impostor.requests) == 1


async def test_no_more_than_32_addresses_are_asked(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    impostor: PlexSimulator,
    wanted: str,
) -> None:
    others = [f"{impostor.url}/{number}" for number in range(32)]

    assert await find_address(session, [*others, plex.url], wanted) is None
    assert len(impostor.requests) == 32
    assert plex.requests == []
    assert await find_address(session, [*others[1:], plex.url], wanted)


# What is left of it. Time stands still, so that nothing ends by itself.


async def test_nothing_goes_on_once_the_address_is_found(
    freezer: FrozenDateTimeFactory,
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    again: PlexSimulator,
    wanted: str,
) -> None:
    again.inject(Fault.SLOW)

    assert await find_address(session, [plex.url, again.url], wanted)

    assert asks() == []


async def test_nothing_goes_on_when_it_is_given_up(
    freezer: FrozenDateTimeFactory,
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    again: PlexSimulator,
    wanted: str,
) -> None:
    again.inject(Fault.SLOW)
    plex.inject(Fault.SLOW)
    finding = asyncio.ensure_future(
        find_address(session, [plex.url, again.url], wanted)
    )
    await plex.wait_for_request("GET", IDENTITY)
    await again.wait_for_request("GET", IDENTITY)
    assert len(asks()) == 3

    finding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finding

    assert asks() == []


# With what plex.tv tells


@pytest.fixture(scope="module")
def tls(authority: Authority) -> SSLContext:
    """What a Plex Media Server speaks."""
    return authority.direct(HASH)


async def test_a_server_of_an_account(
    tls: SSLContext, trusting: aiohttp.ClientSession, dead: str
) -> None:
    plex = PlexSimulator()
    plex.ssl_context = tls
    async with plex:
        resource = simulator.AccountServer.of(
            plex,
            connections=[
                AccountConnection.of(plex, direct_hash=HASH, local=False, relay=True),
                AccountConnection.of(plex, direct_hash="another"),
                AccountConnection.dead(),
                AccountConnection.of(plex, direct_hash=HASH),
            ],
        )
        server = AccountServer.from_json(resource.row(https=True, relay=True))

        found = await find_address(trusting, server.urls, server.machine_identifier)

    assert found == URL(f"https://127-0-0-1.{HASH}.plex.direct:{plex.port}")


async def test_an_impostor_hears_no_token_even_if_it_points_to_the_server(
    session: aiohttp.ClientSession, plex: PlexSimulator, wanted: str
) -> None:
    redirect = http(302, b"", location=f"{plex.url}{IDENTITY}")
    async with Wire(redirect) as wire:
        assert await find_address(session, [f"http://{wire.address}"], wanted) is None

    assert plex.requests == []
    assert b"Token" not in wire.requests[0]
