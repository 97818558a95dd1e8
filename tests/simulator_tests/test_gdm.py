"""The simulated servers answer a search on the network."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.simulator import GdmResponder, GdmServer, PlexSimulator

from .client import SEARCH, Searcher

HASH = "0123456789abcdef0123456789abcdef"


@pytest.fixture
async def gdm(plex: PlexSimulator) -> AsyncGenerator[GdmResponder]:
    async with GdmResponder([GdmServer.of(plex)]) as gdm:
        yield gdm


async def test_reply(
    plex: PlexSimulator, gdm: GdmResponder, searcher: Searcher
) -> None:
    gdm.servers = [GdmServer.of(plex, HASH)]
    searcher.transport.sendto(SEARCH, gdm.address)

    reply, sender = await searcher.replies.get()
    assert sender == gdm.address
    assert reply.decode().split("\r\n") == [
        "HTTP/1.0 200 OK",
        "Content-Type: plex/media-server",
        "Name: Media Server",
        f"Port: {plex.port}",
        f"Resource-Identifier: {plex.machine_identifier}",
        f"Version: {plex.version}",
        f"Host: {HASH}.plex.direct",
        "",
    ]


async def test_server_without_a_certificate(
    gdm: GdmResponder, searcher: Searcher
) -> None:
    searcher.transport.sendto(SEARCH, gdm.address)

    assert b"Host" not in await searcher.reply()


async def test_every_server_replies(
    plex: PlexSimulator, gdm: GdmResponder, searcher: Searcher
) -> None:
    plex.name = "Speicher für Filme"
    gdm.servers.append(GdmServer.of(plex))
    gdm.raw_replies = [b"\xff", b""]
    searcher.transport.sendto(SEARCH, gdm.address)

    assert b"\r\nName: Media Server\r\n" in await searcher.reply()
    assert "\r\nName: Speicher für Filme\r\n" in (await searcher.reply()).decode()
    assert await searcher.reply() == b"\xff"
    assert await searcher.reply() == b""
    assert gdm.searches == 1


@pytest.mark.parametrize("data", [SEARCH + b"\r\n\r\n", SEARCH + b"\r\nName: x\r\n"])
async def test_search_with_more_lines(
    gdm: GdmResponder, searcher: Searcher, data: bytes
) -> None:
    searcher.transport.sendto(data, gdm.address)

    assert await searcher.reply()


async def test_anything_else_is_met_with_silence(
    gdm: GdmResponder, searcher: Searcher
) -> None:
    for data in (b"", b"\xff", b"M-SEARCH * HTTP/1.1", b"x" + SEARCH, SEARCH + b"x"):
        searcher.transport.sendto(data, gdm.address)
    searcher.transport.sendto(SEARCH, gdm.address)

    assert await searcher.reply()
    assert gdm.searches == 1


async def test_wait_for_search(gdm: GdmResponder, searcher: Searcher) -> None:
    waiter = asyncio.create_task(gdm.wait_for_search())
    await asyncio.sleep(0)
    assert not waiter.done()

    searcher.transport.sendto(SEARCH, gdm.address)
    await waiter
    await gdm.wait_for_search()
    assert gdm.searches == 1


async def test_restart_on_the_same_port(gdm: GdmResponder, searcher: Searcher) -> None:
    address = gdm.address
    await gdm.stop()
    await gdm.stop()
    await gdm.start()
    searcher.transport.sendto(SEARCH, address)

    assert await searcher.reply()
    assert gdm.address == address


async def test_taken_port(gdm: GdmResponder) -> None:
    with pytest.raises(OSError, match="in use"):
        await GdmResponder(port=gdm.address[1]).start()
