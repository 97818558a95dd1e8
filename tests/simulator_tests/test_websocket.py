"""The simulated server's websocket opens, refuses, lives and ends as it should."""

import asyncio
import logging

import aiohttp
from aiohttp import WSMsgType
from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.simulator import Fault, PlexSimulator
from tests.simulator.faults import ALTERING

from .client import NOTIFICATIONS, OPTIMIZE, Client, heard


async def _refused(ask: Client, *, token: str | None = "", query: str = "") -> int:
    """Return the status a websocket is refused with."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        async with ask.listen(query, token=token):
            pass
    assert ask.plex.sockets == 0
    return raised.value.status


# The handshake


async def test_token(plex: PlexSimulator, ask: Client) -> None:
    async with ask.listen(), ask.listen(f"?X-Plex-Token={plex.token}", token=None):
        assert plex.sockets == 2


@pytest.mark.parametrize("shared_status", [401, 403])
async def test_bad_token(plex: PlexSimulator, ask: Client, shared_status: int) -> None:
    plex.shared_status = shared_status

    assert await _refused(ask, token=None) == 401
    assert await _refused(ask, token="wrong") == 401
    assert await _refused(ask, token=None, query="?X-Plex-Token=wrong") == 401
    assert await _refused(ask, token=plex.shared_token) == 401


async def test_unclaimed_server_asks_for_no_token(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.token = None
    async with ask.listen():
        assert plex.sockets == 1


async def test_handshake_is_recorded(plex: PlexSimulator, ask: Client) -> None:
    async with ask.listen("?filters=activity", compress=15) as websocket:
        request = await plex.wait_for_request("GET", NOTIFICATIONS)
        assert websocket.compress == 0

    assert plex.requests == [request]
    assert request.query == "filters=activity"
    assert request.headers["Upgrade"] == "websocket"
    assert request.token == plex.token


async def test_plain_requests(ask: Client) -> None:
    assert (await ask("GET", NOTIFICATIONS, token="wrong")).status == 401
    plain = await ask("GET", NOTIFICATIONS)
    assert (plain.status, plain.content_type) == (400, "text/html")
    assert (await ask("POST", NOTIFICATIONS)).status == 404


@pytest.mark.parametrize("status", [404, 502])
async def test_refusal(plex: PlexSimulator, ask: Client, status: int) -> None:
    plex.websocket_refusal = status

    assert await _refused(ask) == status
    assert (await ask("GET", "/butler")).status == 200
    plex.websocket_refusal = None
    async with ask.listen():
        assert plex.sockets == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.UNAUTHORIZED, 401),
        (Fault.FORBIDDEN, 403),
        (Fault.MAINTENANCE, 503),
        (Fault.HTML, 200),
    ],
)
async def test_faults(
    plex: PlexSimulator, ask: Client, fault: Fault, status: int
) -> None:
    plex.inject(fault, NOTIFICATIONS, times=1)

    assert await _refused(ask) == status
    async with ask.listen():
        assert plex.sockets == 1


async def test_dropped_handshake(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.DROP, NOTIFICATIONS)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        async with ask.listen():
            pass


async def test_slow_handshake(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.SLOW, NOTIFICATIONS)
    opening = asyncio.create_task(
        ask.session.ws_connect(
            plex.url + NOTIFICATIONS, headers={"X-Plex-Token": plex.token or ""}
        )
    )
    await plex.wait_for_request("GET", NOTIFICATIONS)
    await ask("GET", "/identity")

    assert not opening.done()
    assert plex.sockets == 0
    plex.clear_faults()
    await (await opening).close()


@pytest.mark.parametrize("fault", [*sorted(ALTERING, key=str), Fault.REDIRECT_HERE])
async def test_faults_a_handshake_survives(
    plex: PlexSimulator, ask: Client, fault: Fault
) -> None:
    plex.inject(fault)
    async with ask.listen() as websocket:
        plex.send_frame("hello")

        assert await websocket.receive_str() == "hello"


# Its life


async def test_wait_for_sockets(plex: PlexSimulator, ask: Client) -> None:
    await plex.wait_for_sockets(0)
    waiter = asyncio.create_task(plex.wait_for_sockets(2))
    async with ask.listen():
        await ask("GET", "/identity")
        assert not waiter.done()
        async with ask.listen():
            await waiter
    await plex.wait_for_sockets(0)
    assert plex.sockets == 0


async def test_close_is_answered(plex: PlexSimulator, ask: Client) -> None:
    async with ask.listen() as websocket:
        await websocket.close()

    assert websocket.close_code == aiohttp.WSCloseCode.OK
    await plex.wait_for_sockets(0)


async def test_ping_is_answered(ask: Client) -> None:
    async with ask.listen(autoping=False) as websocket:
        await websocket.send_str("nobody reads this")
        await websocket.ping(b"there?")
        pong = await websocket.receive()

    assert (pong.type, pong.data) == (WSMsgType.PONG, b"there?")


async def test_deaf_server_says_and_answers_nothing(
    plex: PlexSimulator, ask: Client
) -> None:
    async with ask.listen(autoping=False) as websocket:
        plex.deaf = True
        await websocket.ping()
        plex.send_frame("hello")
        receiving = asyncio.create_task(websocket.receive())
        await ask("GET", "/identity")

        assert plex.deaf
        assert not receiving.done()
        plex.deaf = False
        received = {(await receiving).type, (await websocket.receive()).type}
        assert received == {WSMsgType.PONG, WSMsgType.TEXT}


async def test_deaf_server_is_noticed(plex: PlexSimulator, ask: Client) -> None:
    plex.deaf = True
    async with ask.listen(heartbeat=0.02) as websocket:
        message = await websocket.receive()

        assert isinstance(message.data, aiohttp.ServerTimeoutError)
    await plex.wait_for_sockets(0)


# Its end


@pytest.mark.parametrize("deaf", [False, True])
async def test_kick(plex: PlexSimulator, ask: Client, *, deaf: bool) -> None:
    plex.butler.start(OPTIMIZE)
    async with ask.listen() as one, ask.listen() as other:
        plex.deaf = deaf
        assert plex.kick() == 2
        assert plex.sockets == 0
        for websocket in (one, other):
            assert (await websocket.receive()).type is WSMsgType.CLOSED
            assert websocket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        plex.deaf = False
        async with ask.listen() as again:
            await plex.wait_for_sockets(1)
            plex.finish(OPTIMIZE)
            assert len(await heard(plex, again)) == 3
    assert plex.kick() == 0


@pytest.mark.parametrize("deaf", [False, True])
async def test_stop_ends_all_at_once(
    plex: PlexSimulator,
    ask: Client,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    *,
    deaf: bool,
) -> None:
    # With the clock standing still, whatever waits for a time-out waits for ever.
    freezer.tick(0)
    before = asyncio.all_tasks()
    async with ask.listen(max_msg_size=0) as websocket, ask.listen(max_msg_size=0):
        plex.deaf = deaf
        # More than fits on its way to somebody who does not read.
        plex.send_frame("x" * 2**25)
        await ask("POST", f"/butler/{OPTIMIZE}")
        await plex.stop()

        assert plex.sockets == 0
        assert plex.butler.idle
        assert asyncio.all_tasks() == before
        assert (await websocket.receive()).type is WSMsgType.CLOSED
    assert all(record.levelno < logging.ERROR for record in caplog.records)


async def test_restart(plex: PlexSimulator, ask: Client) -> None:
    async with ask.listen() as websocket:
        await plex.stop()
        assert (await websocket.receive()).type is WSMsgType.CLOSED
    await plex.start()
    async with ask.listen() as websocket:
        plex.butler.start(OPTIMIZE)

        assert len(await heard(plex, websocket)) == 2
