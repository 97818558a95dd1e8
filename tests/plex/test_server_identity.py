"""The token is sent only to the server whose identity was checked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import aiohttp
from aiohttp import web
import pytest

from custom_components.plex_butler.plex import (
    PlexAuthenticationError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServer,
    PlexWrongServerError,
    ServerIdentity,
    StopResult,
    StreamDown,
    StreamUp,
    connection,
    events,
    listen,
)
from tests.simulator import Fault, PlexSimulator
from tests.simulator.fault_answers import Scene, play

from .common import WEBSOCKET, idle

OPTIMIZE = "OptimizeDatabase"
IDENTITY = "/identity"

type Call = Callable[[PlexServer], Awaitable[object]]


async def open_websocket(server: PlexServer) -> None:
    async with server.notifications():
        pass


REQUESTS: dict[str, Call] = {
    "get_name": PlexServer.get_name,
    "get_butler_tasks": PlexServer.get_butler_tasks,
    "get_activities": PlexServer.get_activities,
    "get_settings": PlexServer.get_settings,
    "set_settings": lambda server: server.set_settings({"OnDeckWindow": 3}),
    "start_task": lambda server: server.start_task(OPTIMIZE),
    "stop_task": lambda server: server.stop_task(OPTIMIZE),
    "start_all_tasks": PlexServer.start_all_tasks,
    "stop_all_tasks": PlexServer.stop_all_tasks,
}
CALLS = {**REQUESTS, "websocket": open_websocket}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE", 0)


@pytest.fixture
def server(plex: PlexSimulator, session: aiohttp.ClientSession) -> PlexServer:
    return PlexServer(
        session, plex.url, plex.token, machine_identifier=plex.machine_identifier
    )


@pytest.fixture
async def other(plex: PlexSimulator) -> AsyncIterator[PlexSimulator]:
    """Another server, which accepts the same token and is not started yet."""
    other = PlexSimulator(machine_identifier="another", token=plex.token)
    other.port = plex.port
    yield other
    await other.stop()


async def swap(stops: PlexSimulator, starts: PlexSimulator) -> None:
    """Start a server on the port of another one."""
    await stops.stop()
    stops.requests.clear()
    await starts.start()


def paths(plex: PlexSimulator) -> list[str]:
    return [request.raw_path for request in plex.requests]


@every_call
async def test_nothing_is_sent_to_another_server(
    plex: PlexSimulator, server: PlexServer, other: PlexSimulator, call: Call
) -> None:
    await call(server)
    await swap(plex, other)

    for _ in range(2):
        with pytest.raises(PlexWrongServerError, match="another server answers"):
            await call(server)
    assert [request.token for request in other.requests] == [None, None]
    assert paths(other) == [IDENTITY, IDENTITY]
    assert other.started == []

    await swap(other, plex)
    await call(server)
    assert paths(plex)[0] == IDENTITY
    assert plex.requests[-1].token == plex.token


async def test_stream_is_not_opened_to_another_server(
    plex: PlexSimulator,
    server: PlexServer,
    other: PlexSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "FIRST_DELAY", 0.001)
    async with aclosing(listen(server)) as stream:
        assert await anext(stream) == StreamUp()
        await swap(plex, other)

        assert await anext(stream) == StreamDown(error=None)
        while len(other.requests) < 3:
            event = await anext(stream)
            assert isinstance(event, StreamDown)
        assert isinstance(event.error, PlexWrongServerError)
        assert {request.token for request in other.requests} == {None}
        # Neither is any other request sent.
        with pytest.raises(PlexWrongServerError):
            await server.stop_all_tasks()

        await swap(other, plex)
        while isinstance(event, StreamDown):
            event = await anext(stream)
        assert event == StreamUp()
        assert paths(plex)[-2:] == [IDENTITY, WEBSOCKET]


@every_call
async def test_websocket_that_is_lost_is_not_trusted(
    plex: PlexSimulator, server: PlexServer, other: PlexSimulator, call: Call
) -> None:
    """Even if nobody has read from it since."""
    async with server.notifications():
        await swap(plex, other)

        with pytest.raises(PlexWrongServerError):
            await call(server)
    assert {request.token for request in other.requests} == {None}


@every_call
async def test_identity_is_checked_before_every_request_without_a_stream(
    plex: PlexSimulator, server: PlexServer, call: Call
) -> None:
    for _ in range(2):
        plex.requests.clear()
        await call(server)
        assert len(plex.requests) == 2
        assert paths(plex)[0] == IDENTITY
        assert [request.token for request in plex.requests] == [None, plex.token]
    assert server.identity == ServerIdentity(
        machine_identifier=plex.machine_identifier, version=plex.version
    )


@asynccontextmanager
async def stream(plex: PlexSimulator, server: PlexServer) -> AsyncIterator[None]:
    """Keep a websocket open, and another connection beside it."""
    async with server.notifications():
        await server.get_identity()
        plex.requests.clear()
        yield


@pytest.mark.parametrize("call", REQUESTS.values(), ids=REQUESTS)
async def test_identity_is_not_checked_while_the_stream_is_open(
    plex: PlexSimulator, server: PlexServer, call: Call
) -> None:
    async with stream(plex, server):
        await call(server)
        assert IDENTITY not in paths(plex)
        await idle()
    await call(server)
    assert paths(plex)[-2] == IDENTITY


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.DROP, PlexConnectionError),
        (Fault.SERVER_ERROR, PlexResponseError),
        (Fault.HTML, PlexResponseError),
        (Fault.UNAUTHORIZED, PlexAuthenticationError),
        (Fault.FORBIDDEN, PlexForbiddenError),
    ],
)
async def test_identity_is_checked_once_after_a_failure(
    plex: PlexSimulator, server: PlexServer, fault: Fault, kind: type[PlexError]
) -> None:
    async with stream(plex, server):
        plex.inject(fault, "/butler")
        with pytest.raises(kind):
            await server.get_butler_tasks()
        plex.clear_faults()
        if kind is PlexConnectionError:
            # It was repeated, after one more check on every connection that was lost.
            assert paths(plex) == ["/butler", *[IDENTITY, "/butler"] * 2]
            plex.requests.clear()

        await server.get_butler_tasks()
        assert paths(plex).count(IDENTITY) == 1
        await server.get_butler_tasks()
        assert paths(plex).count(IDENTITY) == 1


@every_call
async def test_token_is_sent_on_no_new_connection_before_the_check(
    plex: PlexSimulator, server: PlexServer, call: Call
) -> None:
    """Another server has taken over the address, and the websocket does not show it."""
    async with stream(plex, server):
        plex.inject(Fault.DROP, times=1)
        plex.machine_identifier = "another"

        with pytest.raises(PlexWrongServerError):
            await call(server)
        tokens = [request.token for request in plex.requests]
        assert [token for token in tokens[1:] if token] == []


@every_call
async def test_token_is_sent_on_no_connection_if_none_is_kept_open(
    plex: PlexSimulator, server: PlexServer, call: Call
) -> None:
    """The same, and no request has failed yet."""
    async with server.notifications():
        plex.requests.clear()
        plex.machine_identifier = "another"

        with pytest.raises(PlexWrongServerError):
            await call(server)
        assert [request.token for request in plex.requests] == [None]


@pytest.mark.parametrize("call", REQUESTS.values(), ids=REQUESTS)
async def test_check_is_repeated_if_the_checked_connection_is_lost(
    plex: PlexSimulator, server: PlexServer, call: Call
) -> None:
    """Another server takes over the address before the request is answered."""

    async def lost(scene: Scene) -> web.StreamResponse:
        plex.clear_faults()
        plex.machine_identifier = "another"
        return await play(Fault.DROP, scene)

    async with server.notifications():
        plex.requests.clear()
        plex.inject(lambda scene: scene.respond(), IDENTITY)
        plex.inject(lost)

        with pytest.raises(PlexWrongServerError):
            await call(server)
        tokens = [request.token for request in plex.requests]
        assert tokens[:2] == [None, plex.token]
        assert {*tokens[2:]} == {None}


@every_call
async def test_nothing_is_sent_on_a_new_connection_without_a_token_either(
    plex: PlexSimulator, session: aiohttp.ClientSession, call: Call
) -> None:
    """Anybody can start the tasks of a server that is not linked to an account."""
    plex.token = None
    server = PlexServer(session, plex.url, machine_identifier=plex.machine_identifier)
    async with server.notifications():
        plex.requests.clear()
        plex.machine_identifier = "another"

        with pytest.raises(PlexWrongServerError):
            await call(server)
        assert paths(plex) == [IDENTITY]


async def test_refused_start_of_a_stopped_task_is_a_failure_too(
    plex: PlexSimulator, server: PlexServer
) -> None:
    async with server.notifications():
        assert await server.stop_task(OPTIMIZE) is StopResult.NOT_RUNNING
        plex.requests.clear()
        await server.start_task(OPTIMIZE)
        assert paths(plex) == [IDENTITY, f"/butler/{OPTIMIZE}"]
        await idle()


async def test_check_that_fails_is_repeated(
    plex: PlexSimulator, server: PlexServer
) -> None:
    async with server.notifications():
        plex.inject(Fault.SERVER_ERROR, IDENTITY)
        with pytest.raises(PlexResponseError):
            await server.get_identity()
        plex.clear_faults()
        plex.requests.clear()

        await server.get_name()
        assert paths(plex) == [IDENTITY, "/"]


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_refusal_by_another_server_is_not_believed(
    plex: PlexSimulator, server: PlexServer, fault: Fault
) -> None:
    async with stream(plex, server):
        plex.inject(fault, "/butler")
        right, plex.machine_identifier = plex.machine_identifier, "another"

        with pytest.raises(PlexWrongServerError):
            await server.get_butler_tasks()
        assert paths(plex) == ["/butler", IDENTITY]

        plex.machine_identifier = right
        plex.clear_faults()
        await server.get_butler_tasks()
        assert paths(plex)[2:] == [IDENTITY, "/butler"]


async def test_check_that_fails_after_a_refusal_is_raised(
    plex: PlexSimulator, server: PlexServer
) -> None:
    async with server.notifications():
        plex.inject(Fault.UNAUTHORIZED, "/butler")
        plex.inject(Fault.DROP, IDENTITY)

        with pytest.raises(PlexConnectionError):
            await server.get_butler_tasks()


async def test_refused_change_of_settings_checks_the_server(
    plex: PlexSimulator, server: PlexServer
) -> None:
    async with server.notifications():
        plex.inject(Fault.FORBIDDEN, "/:/prefs")
        plex.machine_identifier = "another"

        with pytest.raises(PlexWrongServerError):
            await server.set_settings({"OnDeckWindow": 3})


@every_call
async def test_no_check_without_a_machine_identifier(
    plex: PlexSimulator, session: aiohttp.ClientSession, call: Call
) -> None:
    server = PlexServer(session, plex.url, plex.token)

    await call(server)

    assert IDENTITY not in paths(plex)
    assert server.identity is None
