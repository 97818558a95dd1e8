"""Whatever is answered, only PlexError comes out, and what is returned is clean."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import chain
import json
from math import inf
from typing import Any
from unicodedata import category

import aiohttp
from hypothesis import example, given, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    Activity,
    ButlerTask,
    ClientInfo,
    PlexAccount,
    PlexBusyError,
    PlexError,
    PlexServer,
    Setting,
    WindowSetting,
    account,
)
from custom_components.plex_butler.plex.account import AccountServer, Pin
from tests.simulator import (
    AccountConnection,
    AccountServer as SimulatedServer,
    PlexSimulator,
    PlexTvSimulator,
    SimulatedSetting,
    SimulatedTask,
)
from tests.simulator.default_settings import default_settings
from tests.simulator.rendering import task_row
from tests.simulator.tasks import default_tasks

from .common import JSON, Wire, http, parsed

CODE = Pin(id=1, code="ABCD", expires_in=900)


@dataclass(frozen=True, eq=False)
class Call:
    """A call, and the documents it is answered with."""

    send: Callable[[PlexServer, PlexAccount], Awaitable[Any]]
    document: Callable[[list[Any]], Any]
    rows: list[Any]


def container(key: str) -> Callable[[list[Any]], Any]:
    return lambda rows: {"MediaContainer": {key: rows}}


TASKS = Call(
    lambda server, _: server.get_butler_tasks(),
    lambda rows: {"ButlerTasks": {"ButlerTask": rows}},
    [task_row(task) for task in default_tasks().values()],
)
ACTIVITIES = Call(
    lambda server, _: server.get_activities(),
    container("Activity"),
    [
        {"uuid": "a", "type": "butler", "title": "Butler tasks", "progress": -1},
        {"uuid": "b", "type": "library.update.section", "subtitle": "A", "progress": 1},
    ],
)
SETTINGS = Call(
    lambda server, _: server.get_settings(),
    container("Setting"),
    [setting.row() for setting in default_settings().values()],
)
RESOURCES = Call(
    lambda _, account: account.get_server_resources("token"),
    list,
    [
        SimulatedServer(
            name="Media Server",
            client_identifier="5133",
            access_token="token",
            product_version="1",
            platform="Linux",
            connections=[AccountConnection.dead()],
        ).row(https=True, relay=True)
    ],
)
OTHERS = [
    Call(
        lambda server, _: server.get_identity(),
        lambda rows: {"MediaContainer": rows[0] if rows else None},
        [{"machineIdentifier": "5133", "version": "1.43"}],
    ),
    Call(
        lambda server, _: server.get_name(),
        lambda rows: {"MediaContainer": rows[0] if rows else None},
        [{"friendlyName": "Media Server"}],
    ),
    Call(
        lambda _, account: account.create_pin(),
        lambda rows: rows[0] if rows else None,
        [{"id": 1, "code": "ABCD", "expiresIn": 900}],
    ),
    Call(
        lambda _, account: account.get_token(CODE),
        lambda rows: rows[0] if rows else None,
        [{"authToken": None}, {"authToken": "token"}],
    ),
]
PARSERS: dict[Call, Callable[[object], object]] = {
    TASKS: ButlerTask.from_json,
    ACTIVITIES: Activity.from_json,
    SETTINGS: Setting.from_json,
    RESOURCES: AccountServer.from_json,
}
CALLS = [*PARSERS, *OTHERS]


@dataclass(frozen=True)
class Plex:
    """A server and an account, which are both answered by one wire."""

    wire: Wire
    server: PlexServer
    account: PlexAccount

    async def result(self, call: Call) -> Any:
        """Return the result of a call, or its error."""
        try:
            return await call.send(self.server, self.account)
        except PlexError as err:
            return err


@pytest.fixture(autouse=True)
async def quick() -> None:
    """Leave debug mode, which takes longer than all else."""
    asyncio.get_running_loop().set_debug(enabled=False)


@pytest.fixture
async def plex(
    session: aiohttp.ClientSession, no_pause: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Plex]:
    async with Wire(http()) as wire:
        url = URL(f"http://{wire.address}")
        monkeypatch.setattr(account, "PLEX_TV_URL", url)
        monkeypatch.setattr(account, "PLEX_TV_CLIENTS_URL", url)
        yield Plex(
            wire=wire,
            server=PlexServer(session, wire.address),
            account=PlexAccount(session, ClientInfo()),
        )


def texts(value: Any) -> list[str]:
    """Return all texts in a result."""
    if isinstance(value, str):
        return [value]
    if is_dataclass(value):
        value = [getattr(value, field.name) for field in fields(value)]
    inner = value if isinstance(value, (tuple, list)) else ()
    return list(chain.from_iterable(map(texts, inner)))


def check(result: Any) -> None:
    """See that a result is a PlexError, or bounded and without control characters."""
    assert isinstance(result, PlexError | tuple | str | Pin | None) or is_dataclass(
        result
    )
    for text in texts(result):
        assert len(text) <= 1024
        assert not {"Cc", "Cs"} & set(map(category, text))


def documents(call: Call) -> st.SearchStrategy[tuple[Call, str]]:
    rows = st.lists(st.sampled_from(call.rows) | JSON, max_size=4)
    return rows.map(lambda rows: (call, json.dumps(call.document(rows))))


# A good document, with some bytes of it replaced.
CHANGES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), max_size=3
)


def changed(text: str, changes: list[tuple[int, int, bytes]]) -> bytes:
    body = text.encode()
    for at, length, new in changes:
        body = body[:at] + new + body[at + length :]
    return body


@given(
    sent=st.one_of(*map(documents, CALLS)),
    changes=CHANGES,
)
@example(
    sent=(TASKS, '{"ButlerTasks": {"ButlerTask": [{"name": "\\ud800"}]}}'), changes=[]
)
async def test_any_body(
    plex: Plex, sent: tuple[Call, str], changes: list[tuple[int, int, bytes]]
) -> None:
    call, text = sent
    plex.wire.give(http(body=changed(text, changes)))

    check(await plex.result(call))


STATUSES = st.sampled_from([200, 302, 307, 429, 503]) | st.integers(200, 599)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))
DELAYS = (
    st.integers(-(10**20), 10**400).map(str)
    | st.datetimes().map(
        lambda moment: f"{moment:%a, %d %b} {moment.year:04} 12:00:00 GMT"
    )
    | PRINTABLE
)
PLACES = st.sampled_from(["/", "/x", "//", "http://[]@", "http://192.0.2.1/", "?"])


@given(
    call=st.sampled_from(CALLS), status=STATUSES, delay=DELAYS, place=PLACES | PRINTABLE
)
@example(call=TASKS, status=503, delay="Mon, 01 Jan 0001 00:00:00 +2359", place="/")
@example(call=TASKS, status=503, delay="9" * 400, place="/")
async def test_any_head(
    plex: Plex, call: Call, status: int, delay: str, place: str
) -> None:
    plex.wire.give(http(status, retry_after=delay, location=place))

    result = await plex.result(call)

    check(result)
    if isinstance(result, PlexBusyError) and result.retry_after is not None:
        assert 0 < result.retry_after <= 3600


@given(call=st.sampled_from(CALLS), answer=st.binary(), head=st.booleans())
async def test_any_bytes(plex: Plex, call: Call, answer: bytes, *, head: bool) -> None:
    plex.wire.give(b"HTTP/1.1 200 OK\r\n" * head + answer)

    check(await plex.result(call))


def rows_of(call: Call) -> st.SearchStrategy[tuple[Call, list[Any]]]:
    return st.tuples(
        st.just(call), st.lists(st.sampled_from(call.rows) | JSON, max_size=4)
    )


@given(sent=st.one_of(*map(rows_of, PARSERS)))
# Another row must not become one of floats.
@example(sent=(RESOURCES, [*RESOURCES.rows, inf]))
@example(sent=(RESOURCES, [*RESOURCES.rows, 10**400]))
async def test_a_row_costs_no_other(plex: Plex, sent: tuple[Call, list[Any]]) -> None:
    call, rows = sent
    plex.wire.give(http(body=json.dumps(call.document(rows)).encode()))

    result = await plex.result(call)

    alone = [parsed(PARSERS[call], row) for row in rows]
    assert result == tuple(chain.from_iterable(alone))


# What the simulators send comes out as it is. Texts that can be displayed are kept.

TEXT = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=128)
IDS = TEXT.filter(lambda text: "\ufffd" not in text)
TASK = st.builds(
    SimulatedTask,
    name=IDS,
    title=st.none() | TEXT,
    description=st.none() | TEXT,
    interval=st.integers(0, 36525),
    schedule_randomized=st.booleans(),
    enabled=st.booleans(),
)


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    async with PlexSimulator() as simulator:
        yield simulator


@given(tasks=st.lists(TASK, max_size=4, unique_by=lambda task: task.name))
async def test_tasks_arrive_as_they_are(
    simulator: PlexSimulator,
    session: aiohttp.ClientSession,
    tasks: list[SimulatedTask],
) -> None:
    simulator.tasks = {task.name: task for task in tasks}

    found = await PlexServer(session, simulator.url, simulator.token).get_butler_tasks()

    assert found == tuple(
        ButlerTask(
            task.name,
            task.title,
            task.description,
            task.interval,
            task.schedule_randomized,
            task.enabled,
        )
        for task in tasks
    )


NATIVE: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: bool(int(text)),
    "int": int,
    "double": float,
    "text": str,
}
# Of the window, only hours are taken.
OTHERS = IDS.filter(lambda text: text not in WindowSetting)
SETTING = (
    st.builds(SimulatedSetting, id=OTHERS, type=st.just("text"), default=TEXT)
    | st.builds(
        SimulatedSetting,
        id=OTHERS,
        type=st.sampled_from(["int", "double"]),
        default=st.integers(-(2**53), 2**53).map(str),
    )
    | st.builds(
        SimulatedSetting,
        id=OTHERS,
        type=st.just("bool"),
        default=st.sampled_from(["0", "1"]),
    )
)
OPTIONS = st.dictionaries(
    TEXT.filter(lambda key: not {":", "|"} & {*key}),
    TEXT.filter(lambda label: "|" not in label),
    max_size=4,
)


@given(sent=SETTING, options=OPTIONS)
async def test_a_setting_arrives_as_it_is(
    simulator: PlexSimulator,
    session: aiohttp.ClientSession,
    sent: SimulatedSetting,
    options: dict[str, str],
) -> None:
    choices = "|".join(":".join(option) for option in options.items())
    simulator.settings.clear()
    simulator.settings[sent.id] = replace(sent, enum_values=choices)

    (found,) = await PlexServer(session, simulator.url, simulator.token).get_settings()

    assert (found.id, found.kind) == (sent.id, sent.type)
    assert found.value == NATIVE[sent.type](sent.default)
    assert found.options == tuple(options.items())


@given(name=TEXT, identifier=IDS, token=PRINTABLE.filter(bool), owned=st.booleans())
async def test_a_server_of_an_account_arrives_as_it_is(
    plex_tv: PlexTvSimulator,
    session: aiohttp.ClientSession,
    name: str,
    identifier: str,
    token: str,
    *,
    owned: bool,
) -> None:
    connection = AccountConnection.dead()
    plex_tv.servers = [
        SimulatedServer(
            name=name,
            client_identifier=identifier,
            access_token=token,
            owned=owned,
            product_version="1",
            platform="Linux",
            connections=[connection],
        )
    ]
    account = PlexAccount(session, ClientInfo())

    found = await account.get_server_resources(plex_tv.account_token)

    assert found == (
        AccountServer(
            name=name,
            machine_identifier=identifier,
            owned=owned,
            access_token=token,
            urls=(connection.uri,),
        ),
    )
