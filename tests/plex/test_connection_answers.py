"""Answers that are errors, or not those of a Plex Media Server."""

import gzip
import tracemalloc

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.plex_butler.plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServer,
    PlexUnknownTaskError,
    StartResult,
)
from tests.simulator import Fault, PlexSimulator

from .common import NO_TASKS, Wire, http

BACKUP = "BackupDatabase"
MIB = 2**20


# Statuses


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAUTHORIZED, PlexAuthenticationError),
        (Fault.FORBIDDEN, PlexForbiddenError),
        (Fault.MAINTENANCE, PlexBusyError),
        (Fault.RATE_LIMITED_BARE, PlexBusyError),
    ],
)
async def test_a_refusal_has_its_own_error(
    plex: PlexSimulator, server: PlexServer, fault: Fault, error: type[PlexError]
) -> None:
    plex.inject(fault)

    with pytest.raises(error):
        await server.get_butler_tasks()
    with pytest.raises(error):
        await server.start_task(BACKUP)
    with pytest.raises(error):
        await server.stop_task(BACKUP)


@pytest.mark.parametrize(
    ("status", "error"), [(401, PlexAuthenticationError), (403, PlexForbiddenError)]
)
async def test_a_shared_user_may_know_the_name_but_not_the_tasks(
    plex: PlexSimulator,
    session: aiohttp.ClientSession,
    status: int,
    error: type[PlexError],
) -> None:
    plex.shared_status = status
    server = PlexServer(session, plex.url, plex.shared_token)

    assert await server.get_name() == plex.name
    with pytest.raises(error):
        await server.get_butler_tasks()


async def test_a_wrong_token_is_refused_but_the_identity_is_told(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    server = PlexServer(session, plex.url, "wrong")

    assert (await server.get_identity()).version == plex.version
    with pytest.raises(PlexAuthenticationError):
        await server.get_name()


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.NOT_FOUND, 404), (Fault.SERVER_ERROR, 500), (Fault.BAD_GATEWAY, 502)],
)
async def test_any_other_status_is_kept(
    plex: PlexSimulator, server: PlexServer, fault: Fault, status: int
) -> None:
    plex.inject(fault)

    with pytest.raises(PlexResponseError, match=f"^HTTP status {status}$") as raised:
        await server.get_butler_tasks()
    assert raised.value.status == status
    with pytest.raises(PlexResponseError) as raised:
        await server.start_all_tasks()
    assert raised.value.status == status


async def test_only_404_means_an_unknown_task(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.SERVER_ERROR)

    with pytest.raises(PlexResponseError) as raised:
        await server.start_task(BACKUP)
    assert raised.value.status == 500
    with pytest.raises(PlexResponseError) as raised:
        await server.stop_task(BACKUP)
    assert raised.value.status == 500


async def test_a_404_on_start_is_an_unknown_task(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.NOT_FOUND)

    with pytest.raises(PlexUnknownTaskError, match=f"^{BACKUP}$"):
        await server.start_task(BACKUP)


@pytest.mark.parametrize("status", [101, 300, 304, 399, 400, 418, 504, 999])
async def test_only_2xx_is_success(session: aiohttp.ClientSession, status: int) -> None:
    async with Wire(http(status, b"")) as wire:
        server = PlexServer(session, wire.address)

        with pytest.raises(PlexResponseError) as raised:
            await server.start_all_tasks()

    assert raised.value.status == status


# Busy


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        ("0", None),
        ("-5", None),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 400, 3600),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\xb2", None),
        ("Sun, 01 Mar 2026 12:02:30 GMT", 150),
        ("Sun, 01 Mar 2026 13:02:30 +0100", 150),
        ("Sun, 01 Mar 2026 12:02:30 -0000", None),
        ("Sun, 01 Mar 2026 12:00:00 GMT", None),
        ("Sun, 01 Mar 2026 11:59:00 GMT", None),
        ("Mon, 02 Mar 2026 12:00:00 GMT", 3600),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
        ("Sun, 01 Mar 99999999999999999999 12:00:00 GMT", None),
    ],
)
async def test_a_busy_server_may_say_for_how_long(
    freezer: FrozenDateTimeFactory,
    session: aiohttp.ClientSession,
    status: int,
    retry_after: str,
    seconds: float | None,
) -> None:
    freezer.move_to("2026-03-01 12:00:00")
    async with Wire(http(status, retry_after=retry_after)) as wire:
        server = PlexServer(session, wire.address)

        with pytest.raises(PlexBusyError, match=f"^HTTP status {status}$") as raised:
            await server.get_butler_tasks()

    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault.MAINTENANCE, None),
        (Fault.MAINTENANCE_RETRY_AFTER, 120),
        (Fault.RATE_LIMITED, 30),
        (Fault.RATE_LIMITED_BARE, None),
    ],
)
async def test_a_busy_server_need_not_say_so(
    plex: PlexSimulator, server: PlexServer, fault: Fault, seconds: float | None
) -> None:
    plex.inject(fault)

    with pytest.raises(PlexBusyError) as raised:
        await server.get_butler_tasks()

    assert raised.value.retry_after == seconds


# Bodies


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
