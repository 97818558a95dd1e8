"""Answers that are errors, or not those of a Plex Media Server."""

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.plex_butler.plex import (
    ButlerTask,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServer,
    PlexServerError,
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


async def test_identity_with_a_wrong_token(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    server = PlexServer(session, plex.url, "wrong")

    assert (await server.get_identity()).version == plex.version
    with pytest.raises(PlexAuthenticationError):
        await server.get_name()


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (Fault.NOT_FOUND, 404, PlexResponseError),
        (Fault.UNPROCESSABLE, 422, PlexResponseError),
        (Fault.SERVER_ERROR, 500, PlexServerError),
        (Fault.BAD_GATEWAY, 502, PlexServerError),
        (Fault.GATEWAY_TIMEOUT, 504, PlexServerError),
    ],
)
async def test_any_other_status_is_kept(
    plex: PlexSimulator,
    server: PlexServer,
    fault: Fault,
    status: int,
    kind: type[PlexResponseError],
) -> None:
    plex.inject(fault)

    for call in (server.get_butler_tasks, server.start_all_tasks):
        with pytest.raises(kind, match=f"^HTTP status {status}$") as raised:
            await call()
        assert type(raised.value) is kind
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
async def test_retry_after(
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


# Bodies


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.HTML, "not JSON"),
        (Fault.DEEP_JSON, "not JSON"),
        (Fault.WRONG_SHAPE, "no ButlerTasks"),
        (Fault.WRONG_TYPES, "no ButlerTasks"),
        (Fault.HUGE, "larger than 4 MiB"),
        (Fault.HUGE_LENGTH, "larger than 4 MiB"),
        (Fault.GZIP_BOMB, "larger than 4 MiB"),
        (Fault.FALSE_GZIP, "cannot be decompressed"),
    ],
)
async def test_other_answers_are_response_errors(
    plex: PlexSimulator, server: PlexServer, fault: Fault, reason: str
) -> None:
    plex.inject(fault)

    with pytest.raises(PlexResponseError, match=f"^{reason}$") as raised:
        await server.get_butler_tasks()

    assert raised.value.status is None


@pytest.mark.parametrize(
    "fault", [Fault.NOT_UTF8, Fault.CONTROL_CHARACTERS, Fault.HUGE_NUMBER]
)
async def test_bad_text_or_number_costs_nothing_else(
    plex: PlexSimulator, server: PlexServer, fault: Fault
) -> None:
    plex.butler.start(BACKUP)
    plex.inject(fault)
    begin = "\ufffd\ufffd" if fault is Fault.NOT_UTF8 else ""

    tasks = {task.name: task for task in await server.get_butler_tasks()}
    activities = await server.get_activities()
    settings = {one.id: one for one in await server.get_settings()}

    assert list(tasks) == list(plex.tasks)
    assert tasks[BACKUP].title == f"{begin}Backup Database"
    assert tasks[BACKUP].enabled is True
    assert tasks[BACKUP].interval == (None if fault is Fault.HUGE_NUMBER else 3)
    assert [one.title for one in activities] == [f"{begin}Butler tasks", begin + BACKUP]
    assert list(settings) == list(plex.settings)
    assert settings["ButlerTaskBackupDatabase"].value is True
    assert await server.get_name() == f"{begin}Media Server"


async def test_half_of_a_surrogate_pair_costs_nothing_else(
    session: aiohttp.ClientSession,
) -> None:
    task = b'{"name": "A", "title": "A\\ud800", "interval": 3, "enabled": true}'
    bad = task.replace(b'"A"', b'"\\ud800"')
    body = b'{"ButlerTasks": {"ButlerTask": [%b, %b]}}' % (task, bad)
    async with Wire(http(body=body)) as wire:
        (found,) = await PlexServer(session, wire.address).get_butler_tasks()

    assert found == ButlerTask("A", "A", None, 3, None, enabled=True)


async def test_body_of_a_start_is_not_read(
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
