"""What a server, or what stands before it, may answer instead of what was asked for."""

from collections.abc import Awaitable, Callable
import gzip
import logging
import tracemalloc

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexConnectionError,
    PlexError,
    PlexResponseError,
    PlexServer,
    StartResult,
)
from tests.simulator import Fault, PlexSimulator, SimulatedTask

from .wire import NO_TASKS, Wire, http

MIB = 2**20


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.HTML, "not JSON"),
        (Fault.NOT_UTF8, "not JSON"),
        (Fault.DEEP_JSON, "not JSON"),
        (Fault.WRONG_SHAPE, "no ButlerTasks"),
        (Fault.WRONG_TYPES, "no ButlerTasks"),
        (Fault.HUGE, "larger than 4 MiB"),
        (Fault.HUGE_LENGTH, "larger than 4 MiB"),
        (Fault.GZIP_BOMB, "larger than 4 MiB"),
    ],
)
async def test_what_no_plex_answers_is_a_response_error(
    plex: PlexSimulator, server: PlexServer, fault: Fault, reason: str
) -> None:
    plex.inject(fault)

    with pytest.raises(PlexResponseError, match=f"^{reason}$") as raised:
        await server.get_butler_tasks()

    assert raised.value.status is None


@pytest.mark.parametrize(
    "call",
    [PlexServer.get_identity, PlexServer.get_name, PlexServer.get_activities],
)
async def test_every_answer_needs_its_root(
    plex: PlexSimulator,
    server: PlexServer,
    call: Callable[[PlexServer], Awaitable[object]],
) -> None:
    plex.inject(Fault.WRONG_SHAPE)

    with pytest.raises(PlexResponseError, match="no MediaContainer"):
        await call(server)


async def test_half_an_answer_is_a_lost_connection(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.TRUNCATED)

    with pytest.raises(PlexConnectionError):
        await server.get_butler_tasks()


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"\0\1\2\r\n\r\n", id="noise"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n", id="ssh"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x16", id="tls"),
        pytest.param(http(transfer_encoding="chunked"), id="two-lengths"),
        pytest.param(http(content_length="-1"), id="negative-length"),
        pytest.param(http(cookie="x" * 100_000), id="long-header"),
    ],
)
async def test_what_is_no_http_is_a_response_error(
    session: aiohttp.ClientSession, wire: bytes
) -> None:
    async with Wire(wire) as odd:
        server = PlexServer(session, odd.address)

        with pytest.raises(PlexResponseError, match=r"^not HTTP"):
            await server.get_butler_tasks()
        with pytest.raises(PlexResponseError, match=r"^not HTTP"):
            await server.start_all_tasks()


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(http(content_encoding="gzip"), id="no-gzip"),
        pytest.param(http(content_encoding="deflate"), id="no-deflate"),
        pytest.param(
            http(body=gzip.compress(NO_TASKS)[:12], content_encoding="gzip"),
            id="half-a-gzip",
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + NO_TASKS[:-1], id="half-a-json"),
        pytest.param(http(body=NO_TASKS.decode().encode("utf-16")), id="utf-16"),
        pytest.param(http(body=b""), id="nothing"),
        pytest.param(http(body=b'{"ButlerTasks": NaN}'), id="nan"),
    ],
)
async def test_what_cannot_be_decoded_is_an_error_of_plex(
    session: aiohttp.ClientSession, wire: bytes
) -> None:
    async with Wire(wire) as odd:
        server = PlexServer(session, odd.address)

        with pytest.raises(PlexError):
            await server.get_butler_tasks()


async def test_a_request_to_do_something_does_not_look_at_the_body(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.DRIP, method="POST")

    assert await server.start_task("OptimizeDatabase") is StartResult.STARTED


# Size


async def test_an_answer_may_have_four_mib(session: aiohttp.ClientSession) -> None:
    full = NO_TASKS + b" " * (4 * MIB - len(NO_TASKS))
    async with Wire(http(body=full), http(body=full + b" ")) as wire:
        server = PlexServer(session, wire.address)

        assert await server.get_butler_tasks() == ()
        with pytest.raises(PlexResponseError, match="larger than 4 MiB"):
            await server.get_butler_tasks()


async def test_an_endless_answer_is_not_read_on(
    session: aiohttp.ClientSession,
) -> None:
    chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with Wire(head, endless=chunk) as wire:
        with pytest.raises(PlexResponseError, match="larger than 4 MiB"):
            await PlexServer(session, wire.address).get_butler_tasks()

        await wire.left.wait()

    # What the client read, and what the network held when it left.
    assert wire.sent < 32 * MIB


async def test_a_gzip_bomb_is_not_unpacked(session: aiohttp.ClientSession) -> None:
    bomb = http(body=gzip.compress(bytes(64 * MIB)), content_encoding="gzip")
    async with Wire(bomb) as wire:
        server = PlexServer(session, wire.address)
        tracemalloc.start()

        with pytest.raises(PlexResponseError, match="larger than 4 MiB"):
            await server.get_butler_tasks()

        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 16 * MIB


# One bad task in a good list


def _task(name: str) -> SimulatedTask:
    return SimulatedTask(name, name, "", 1)


async def test_a_bad_task_leaves_the_good_ones(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.BAD_TASK)

    names = [task.name for task in await server.get_butler_tasks()]

    # Of the malformed ones, that with a name is still a task.
    assert names == ["Malformed", *plex.tasks]


async def test_bad_tasks_are_logged_when_there_are_more_of_them(
    plex: PlexSimulator, server: PlexServer, caplog: pytest.LogCaptureFixture
) -> None:
    good = _task("Good")
    one = {"Good": good, "": _task("")}
    two = one | {"x" * 129: _task("x" * 129)}

    async def warnings() -> list[str]:
        caplog.clear()
        (task,) = await server.get_butler_tasks()
        assert task.name == "Good"
        return [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING
        ]

    plex.tasks = {"Good": good}
    assert await warnings() == []
    plex.tasks = one
    assert await warnings() == ["1 Butler tasks of the server are not understood"]
    assert await warnings() == []
    plex.tasks = two
    assert await warnings() == ["2 Butler tasks of the server are not understood"]
    assert await warnings() == []
    plex.tasks = one
    assert await warnings() == []
    plex.tasks = two
    assert await warnings() == ["2 Butler tasks of the server are not understood"]
