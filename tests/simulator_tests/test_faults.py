"""Faults of the simulator hang, drop, redirect, count down and never get in the way."""

import asyncio
from collections.abc import Callable
import logging
import time

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.simulator import Fault, PlexSimulator

from .client import JSON, OPTIMIZE, Client


@pytest.mark.parametrize("path", ["/butler", f"/butler/{OPTIMIZE}"])
async def test_slow_answers_when_released(
    plex: PlexSimulator, ask: Client, path: str
) -> None:
    plex.inject(Fault.SLOW, times=1)
    hanging = asyncio.create_task(ask("POST", path))
    await plex.wait_for_request("POST", path)
    await ask("GET", "/butler")

    assert not hanging.done()
    assert plex.started == []
    plex.clear_faults()
    assert (await hanging).status == 200
    assert len(plex.started) == 1


async def test_slow_ends_with_its_client(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.SLOW, "/butler")
    hanging = asyncio.create_task(ask("POST", "/butler"))
    await plex.wait_for_request("POST", "/butler")
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await ask("GET", "/identity")
    plex.clear_faults()
    await ask("GET", "/identity")

    assert plex.started == []


async def test_hanging_request_ends_with_the_server(
    plex: PlexSimulator, ask: Client, freezer: FrozenDateTimeFactory
) -> None:
    freezer.tick(0)
    plex.inject(Fault.SLOW)
    hanging = asyncio.create_task(ask("POST", "/butler"))
    await plex.wait_for_request("POST", "/butler")
    await plex.stop()

    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging
    assert plex.started == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_drip(plex: PlexSimulator, ask: Client, method: str) -> None:
    truth = (await ask(method, "/butler")).body
    plex.inject(Fault.DRIP)
    async with ask.session.request(
        method,
        f"{plex.url}/butler",
        headers=JSON | {"X-Plex-Token": plex.token or ""},
    ) as response:
        first = await response.content.readexactly(len(truth) // 2)
        rest = asyncio.create_task(response.read())
        await ask("GET", "/simulator/faults")

        assert response.status == 200
        assert not rest.done()
        plex.clear_faults()
        assert first + await rest == truth


async def test_drop(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.DROP)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ask("POST", "/butler")
    assert plex.started == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_truncated(plex: PlexSimulator, ask: Client, method: str) -> None:
    plex.inject(Fault.TRUNCATED)

    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(method, "/butler")


async def test_redirect_here_ends_well(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.REDIRECT_HERE)

    assert (await ask("POST", f"/butler/{OPTIMIZE}")).status == 200
    assert plex.started == [OPTIMIZE]
    assert [request.raw_path for request in plex.requests] == [
        f"/butler/{OPTIMIZE}",
        f"/redirected/butler/{OPTIMIZE}",
    ]


async def test_redirect_loop_never_ends(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.REDIRECT_LOOP)

    with pytest.raises(aiohttp.TooManyRedirects):
        await ask("GET", "/butler")


async def test_redirect_target(plex: PlexSimulator, ask: Client) -> None:
    async with PlexSimulator(name="Other") as other:
        plex.redirect_target = f"{other.url}/identity"
        plex.inject(Fault.REDIRECT_ELSEWHERE)
        await ask("GET", "/butler")

        assert [request.raw_path for request in other.requests] == ["/identity"]


async def test_closest_fault_wins_and_counts_down(
    plex: PlexSimulator, ask: Client
) -> None:
    async def status(method: str, path: str) -> int:
        return (await ask(method, path)).status

    plex.inject(Fault.SERVER_ERROR)
    plex.inject(Fault.RATE_LIMITED, method="POST")
    plex.inject(Fault.NOT_FOUND, "/butler")
    plex.inject(Fault.HTML, "/butler", "GET", times=5)
    plex.inject(Fault.FORBIDDEN, "/butler", "GET", times=2)

    assert [await status("GET", "/butler") for _ in range(3)] == [403, 403, 404]
    assert await status("POST", "/butler") == 404
    assert await status("POST", "/butler/x") == 429
    assert await status("GET", "/identity") == 500
    plex.clear_faults()
    assert await status("GET", "/identity") == 200


def test_no_times_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        PlexSimulator().inject(Fault.SLOW, times=0)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("leave", [asyncio.StreamWriter.close, lambda _: None])
async def test_faults_neither_log_errors_nor_delay_the_end(
    plex: PlexSimulator,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    leave: Callable[[asyncio.StreamWriter], None],
) -> None:
    plex.inject(fault)
    # A client that reads nothing of what it gets, and leaves before the end or not.
    _reader, writer = await asyncio.open_connection("127.0.0.1", plex.port)
    head = f"GET /butler HTTP/1.1\r\nHost: x\r\nX-Plex-Token: {plex.token}\r\n\r\n"
    writer.write(head.encode())
    await plex.wait_for_request("GET", "/butler")
    leave(writer)
    began = time.perf_counter()
    await plex.stop()

    assert time.perf_counter() - began < 0.5
    assert plex.butler.idle
    assert all(record.levelno < logging.ERROR for record in caplog.records)
    writer.close()
