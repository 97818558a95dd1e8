"""What the status of an answer means."""

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.plex_butler.plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServer,
    PlexUnknownTaskError,
)
from tests.simulator import Fault, PlexSimulator

from .wire import Wire, http

BACKUP = "BackupDatabase"


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
