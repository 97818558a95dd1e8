"""Whoever stops listening leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
import gc

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexServer,
    StreamDown,
    StreamUp,
    events,
    listen,
)
from tests.simulator import Fault, PlexSimulator

from .test_events import WEBSOCKET, down, up


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with a single connection: whoever keeps it is found out."""
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture(autouse=True)
async def nothing_is_left(
    plex: PlexSimulator,
    session: aiohttp.ClientSession,
    server: PlexServer,
    recwarn: pytest.WarningsRecorder,
) -> AsyncIterator[None]:
    gc.collect()
    recwarn.clear()
    yield
    plex.deaf = False
    plex.clear_faults()
    await plex.wait_for_sockets(0)
    # The session is still good, and all of it is free.
    assert not session.closed
    assert (await server.get_identity()).version == plex.version
    await plex.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()
    assert [str(w.message) for w in recwarn if "nclosed" in str(w.message)] == []


async def test_not_begun(server: PlexServer, plex: PlexSimulator) -> None:
    await listen(server).aclose()
    assert plex.requests == []


async def test_closed_while_up(server: PlexServer, plex: PlexSimulator) -> None:
    async with aclosing(listen(server)) as stream:
        await up(stream, plex)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_closed_with_events_to_come(
    server: PlexServer, plex: PlexSimulator
) -> None:
    async with aclosing(listen(server)) as stream:
        await up(stream, plex)
        plex.notify("preference", "Setting", [{"id": "A"}, {"id": "B"}])
        await anext(stream)


async def test_closed_with_a_dead_peer(server: PlexServer, plex: PlexSimulator) -> None:
    async with aclosing(listen(server)) as stream:
        await up(stream, plex)
        plex.deaf = True
        async with asyncio.timeout(5):
            await stream.aclose()


@pytest.mark.parametrize(
    "fault", [Fault.NOT_FOUND, Fault.DROP, Fault.HUGE, Fault.REDIRECT_ELSEWHERE]
)
async def test_closed_while_down(
    server: PlexServer, plex: PlexSimulator, fault: Fault
) -> None:
    plex.inject(fault, WEBSOCKET)
    async with aclosing(listen(server)) as stream:
        assert (await down(stream)).retry


async def test_ended(server: PlexServer, plex: PlexSimulator) -> None:
    plex.inject(Fault.UNAUTHORIZED, WEBSOCKET)
    assert len([event async for event in listen(server)]) == 1


class Listener:
    """Listens in a task of its own."""

    def __init__(self, server: PlexServer) -> None:
        self.heard: asyncio.Queue[events.Event] = asyncio.Queue()
        self.task = asyncio.create_task(self._listen(server))

    async def _listen(self, server: PlexServer) -> None:
        async with aclosing(listen(server)) as stream:
            async for event in stream:
                self.heard.put_nowait(event)

    async def cancel(self) -> None:
        self.task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([self.task])
        assert self.task.cancelled()


@pytest.mark.parametrize("deaf", [False, True])
async def test_cancelled_while_up(
    server: PlexServer, plex: PlexSimulator, *, deaf: bool
) -> None:
    listener = Listener(server)
    assert await listener.heard.get() == StreamUp()
    await plex.wait_for_sockets(1)
    plex.deaf = deaf
    await listener.cancel()


async def test_cancelled_while_connecting(
    server: PlexServer, plex: PlexSimulator
) -> None:
    plex.inject(Fault.SLOW, WEBSOCKET)
    listener = Listener(server)
    await plex.wait_for_request("GET", WEBSOCKET)
    await listener.cancel()
    assert listener.heard.empty()


async def test_cancelled_while_it_waits(
    server: PlexServer, plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FIRST_DELAY", 1000)
    plex.websocket_refusal = 404
    listener = Listener(server)
    assert isinstance(await listener.heard.get(), StreamDown)
    await listener.cancel()
    assert len(plex.requests) == 1


async def test_connection_is_given_back_before_it_waits(
    server: PlexServer, plex: PlexSimulator
) -> None:
    async with aclosing(listen(server)) as stream:
        await up(stream, plex)
        plex.kick()
        await down(stream)
        await server.get_identity()
