"""The stream of push events, from the simulator over a real socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from copy import deepcopy
import gc
from itertools import count
import json
import logging
from typing import Any, cast

import aiohttp
from hypothesis import given, strategies as st
import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ActivityEvent,
    Notifications,
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexRedirectError,
    PlexResponseError,
    PlexServer,
    PlexTimeoutError,
    StreamDown,
    StreamUp,
    connection,
    events,
    listen,
)
from custom_components.plex_butler.plex.connection import HEARTBEAT, MAX_FRAME
from custom_components.plex_butler.plex.events import (
    PART,
    ActivityChange,
    Event,
    parse_frame,
)
from custom_components.plex_butler.plex.models import MAX_NAME, MAX_TITLE
from tests.simulator import Fault, PlexSimulator

from .common import WEBSOCKET, idle, shown

ROW: dict[str, Any] = {
    "event": "started",
    "uuid": "6f7c",
    "Activity": {
        "uuid": "6f7c",
        "type": "butler",
        "cancellable": True,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "Backup Database",
        "progress": 83.3,
    },
}
SETTING: dict[str, Any] = {"id": "ButlerStartHour", "type": "int", "value": 3}
EVENT = ActivityEvent(
    change=ActivityChange.STARTED,
    activity=Activity(
        uuid="6f7c",
        type="butler",
        title="Butler tasks",
        subtitle="Backup Database",
        progress=83.3,
    ),
)
STARTED = Notifications(activities=(EVENT,))
NOTHING = Notifications()

type Stream = AsyncGenerator[Event]


# Frames


def frame(kind: Any, key: str, rows: Any) -> dict[str, Any]:
    return {"NotificationContainer": {"type": kind, "size": 1, key: rows}}


def activities(*rows: Any) -> str:
    return json.dumps(frame("activity", "ActivityNotification", rows))


def changed_settings(*rows: Any) -> str:
    return json.dumps(frame("preference", "Setting", rows))


def test_activities_of_a_frame() -> None:
    [found] = parse_frame(activities(*(ROW | {"event": one} for one in ActivityChange)))

    assert found == Notifications(
        activities=tuple(
            ActivityEvent(change=one, activity=EVENT.activity) for one in ActivityChange
        )
    )


def test_settings_of_a_frame() -> None:
    [found] = parse_frame(changed_settings(SETTING, {"id": "Other"}))

    assert found == Notifications(settings=frozenset({"ButlerStartHour", "Other"}))


@pytest.mark.parametrize(
    "row",
    [
        *(None, 7, "started", [], {}, {"event": "started"}),
        *(ROW | {"event": event} for event in ("paused", None, ["started"])),
        *(ROW | {"Activity": one} for one in (None, [ROW["Activity"]], {"title": "X"})),
        *(ROW | {"Activity": {"uuid": uuid}} for uuid in ("", 7)),
    ],
)
def test_bad_activity_is_skipped(row: Any) -> None:
    assert [*parse_frame(activities(row, ROW))] == [STARTED]
    assert [*parse_frame(activities(row))] == [NOTHING]


@pytest.mark.parametrize(
    "setting",
    [None, "id", [], {}, {"id": None}, {"id": 7}, {"id": ""}, {"id": "x" * 129}],
)
def test_bad_setting_is_skipped(setting: Any) -> None:
    [found] = parse_frame(changed_settings(setting, {"id": "x" * 128}))

    assert found == Notifications(settings=frozenset({"x" * 128}))
    assert [*parse_frame(changed_settings(setting))] == [NOTHING]


def test_control_characters_are_removed() -> None:
    text = activities(ROW).replace("Butler tasks", "Butler\x00 tasks\x1b")

    assert [*parse_frame(text)] == [STARTED]


def test_fields_of_the_wrong_type_are_empty() -> None:
    odd = {"uuid": "1", "type": 7, "title": ["x"], "subtitle": {}, "progress": "soon"}
    [found] = parse_frame(activities(ROW | {"Activity": odd}))

    assert found.activities[0].activity == Activity(
        uuid="1", type="", title="", subtitle="", progress=None
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "[]", '"NotificationContainer"', "{}"),
        '{"NotificationContainer": null}',
        '{"NotificationContainer": []}',
        json.dumps(frame("timeline", "TimelineEntry", [{}])),
        json.dumps(frame("activity", "Setting", [SETTING])),
        json.dumps(frame("preference", "ActivityNotification", [ROW])),
        json.dumps(frame(["activity"], "ActivityNotification", [ROW])),
        json.dumps(frame("activity", "ActivityNotification", ROW)),
        json.dumps(frame("activity", "ActivityNotification", None)),
        "[" * 100_000,
    ],
)
def test_other_frames_are_ignored(text: str) -> None:
    assert [*parse_frame(text)] == [NOTHING]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["activity", "preference", "ended", "x" * 300, "1e999"])
)
JSON = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("uuid", "event", "id"), SCALARS)
    )
)
FRAMES = [
    frame("activity", "ActivityNotification", [ROW, ROW]),
    frame("preference", "Setting", [SETTING]),
]


def positions(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    inner = [key for key in keys if isinstance(value[key], (dict, list))]
    return [(*path, key) for key in keys] + [
        position for key in inner for position in positions(value[key], (*path, key))
    ]


def check(text: str) -> None:
    [found] = parse_frame(text)
    assert len(found.activities) + len(found.settings) <= len(text)
    assert all(0 < len(setting_id) <= MAX_NAME for setting_id in found.settings)
    for event in found.activities:
        assert isinstance(event.change, ActivityChange)
        activity = event.activity
        assert 0 < len(activity.uuid) <= MAX_NAME
        assert len(activity.type) <= MAX_NAME
        assert max(len(activity.title), len(activity.subtitle)) <= MAX_TITLE
        assert activity.progress is None or 0 <= activity.progress <= 100


@given(st.text(st.characters(codec=None)))
def test_any_text(text: str) -> None:
    check(text)


@given(
    st.sampled_from([(i, path) for i, f in enumerate(FRAMES) for path in positions(f)]),
    JSON,
)
def test_any_value_anywhere(position: tuple[int, tuple[Any, ...]], value: Any) -> None:
    index, path = position
    changed = deepcopy(FRAMES[index])
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    check(json.dumps(changed))


# The stream


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with a single connection, so that one in use blocks all requests."""
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
async def stream(
    server: PlexServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stream]:
    """The events of the server; a lost stream is connected again at once."""
    monkeypatch.setattr(events, "FIRST_DELAY", 0.001)
    async with aclosing(listen(server)) as stream:
        yield stream


async def up(stream: Stream, plex: PlexSimulator) -> None:
    assert await anext(stream) == StreamUp()
    await plex.wait_for_sockets(1)


async def down(stream: Stream) -> StreamDown:
    event = await anext(stream)
    assert isinstance(event, StreamDown)
    return event


async def still_up(stream: Stream, plex: PlexSimulator) -> None:
    """Assert that the next event is the one sent now."""
    plex.notify("preference", "Setting", [{"id": "StillUp"}])
    assert await anext(stream) == Notifications(settings=frozenset({"StillUp"}))


async def test_one_event_for_each_frame(plex: PlexSimulator, stream: Stream) -> None:
    await up(stream, plex)
    plex.send_frame(activities(ROW, ROW))
    plex.send_frame(changed_settings({"id": "A"}, {"id": "B", "value": 3}))

    assert await anext(stream) == Notifications(activities=(EVENT, EVENT))
    assert await anext(stream) == Notifications(settings=frozenset({"A", "B"}))


async def test_long_frame_is_all_of_its_parts(
    plex: PlexSimulator, stream: Stream
) -> None:
    await up(stream, plex)
    rows = [ROW | {"Activity": {"uuid": str(number)}} for number in range(3 * PART - 1)]
    plex.send_frame(activities(*rows))
    plex.send_frame(changed_settings(*({"id": str(n)} for n in range(PART + 1))))
    uuids = [
        event.activity.uuid
        for _ in range(3)
        for event in cast("Notifications", await anext(stream)).activities
    ]
    settings = [cast("Notifications", await anext(stream)).settings for _ in range(2)]

    assert uuids == [row["Activity"]["uuid"] for row in rows]
    assert [*map(len, settings)] == [PART, 1]
    await still_up(stream, plex)


PARTS = 20
SHORT = {"event": "started", "Activity": {"uuid": "1"}}


@pytest.mark.parametrize(
    "frames",
    [PARTS * [activities(SHORT)], [activities(*PARTS * PART * [SHORT])]],
    ids=["frames", "parts"],
)
async def test_others_have_their_turn(
    plex: PlexSimulator, stream: Stream, frames: list[str]
) -> None:
    await up(stream, plex)
    for one in frames:
        plex.send_frame(one)
    await anext(stream)
    for _ in range(PARTS - 1):
        turn = asyncio.Event()
        asyncio.get_running_loop().call_soon(turn.set)
        await anext(stream)
        assert turn.is_set()


async def test_others_have_their_turn_between_empty_parts(
    plex: PlexSimulator, stream: Stream
) -> None:
    turns = count()

    async def others() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    await up(stream, plex)
    plex.send_frame(activities(*PARTS * PART * [None], SHORT))
    await idle()  # It has arrived.
    using = asyncio.create_task(others())
    await anext(stream)
    using.cancel()
    assert next(turns) >= PARTS


async def test_handshake(plex: PlexSimulator, stream: Stream) -> None:
    await up(stream, plex)
    [request] = plex.requests
    assert (request.method, request.raw_path) == ("GET", WEBSOCKET)
    assert request.query == "filters=activity,preference"
    assert request.headers.getall("X-Plex-Token") == [plex.token]
    assert request.headers["X-Plex-Client-Identifier"] == "plex-butler"


async def test_run_of_a_task(plex: PlexSimulator, stream: Stream) -> None:
    await up(stream, plex)
    plex.butler.start("OptimizeDatabase")
    plex.finish("OptimizeDatabase")
    received: list[tuple[str, str]] = []
    while ("ended", "Butler tasks") not in received:
        event = await anext(stream)
        assert isinstance(event, Notifications)
        received += [(one.change, one.activity.title) for one in event.activities]
    assert received[0] == ("started", "Butler tasks")
    assert ("started", "OptimizeDatabase") in received
    assert ("ended", "OptimizeDatabase") in received


@pytest.mark.parametrize(
    "odd",
    [
        *("", "not JSON", b"\x00\xff", changed_settings({"id": "Binary"}).encode()),
        {"NotificationContainer": {"type": "playing", "PlaySession": [{}]}},
    ],
)
async def test_other_frames_do_not_end_the_stream(
    plex: PlexSimulator, stream: Stream, odd: str | bytes | dict[str, Any]
) -> None:
    await up(stream, plex)
    plex.send_frame(odd)
    await still_up(stream, plex)


async def test_reconnects(plex: PlexSimulator, stream: Stream) -> None:
    for _ in range(5):
        await up(stream, plex)
        plex.kick()
        assert (await down(stream)).error is None
    await up(stream, plex)
    await still_up(stream, plex)


async def test_huge_frame_ends_the_connection(
    plex: PlexSimulator, stream: Stream
) -> None:
    await up(stream, plex)
    plex.send_frame("x" * (MAX_FRAME - 1))
    await still_up(stream, plex)
    plex.send_frame("x" * (MAX_FRAME + 1))
    assert (await down(stream)).error is None
    await up(stream, plex)


async def test_dead_connection_is_noticed(
    plex: PlexSimulator, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 1.5 * HEARTBEAT <= 30
    with monkeypatch.context() as hasty:
        hasty.setattr(connection, "HEARTBEAT", 0.1)
        await up(stream, plex)
        plex.deaf = True
        assert (await down(stream)).error is None
    plex.deaf = False
    await up(stream, plex)


FAULTS: dict[Fault | int, type[PlexError]] = {
    400: PlexResponseError,
    404: PlexResponseError,
    200: PlexResponseError,
    Fault.SERVER_ERROR: PlexResponseError,
    Fault.HTML: PlexResponseError,
    Fault.HUGE: PlexResponseError,
    Fault.MAINTENANCE: PlexBusyError,
    Fault.RATE_LIMITED: PlexBusyError,
    Fault.DROP: PlexConnectionError,
    Fault.REDIRECT_HERE: PlexRedirectError,
    Fault.REDIRECT_LOOP: PlexRedirectError,
    Fault.REDIRECT_ELSEWHERE: PlexRedirectError,
    Fault.UNAUTHORIZED: PlexAuthenticationError,
    Fault.FORBIDDEN: PlexForbiddenError,
}


def refuse(plex: PlexSimulator, how: Fault | int) -> None:
    if isinstance(how, Fault):
        plex.inject(how, WEBSOCKET)
    else:
        plex.websocket_refusal = how


@pytest.mark.parametrize(("how", "kind"), FAULTS.items(), ids=str)
async def test_refused(
    plex: PlexSimulator,
    stream: Stream,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    how: Fault | int,
    kind: type[PlexError],
) -> None:
    """Whatever the reason, the stream is tried again, and no token is shown."""
    monkeypatch.setattr(events, "REFUSED_DELAY", 0.001)
    caplog.set_level(logging.DEBUG)
    refuse(plex, how)
    for _ in range(3):
        refused = await down(stream)
        assert isinstance(refused.error, kind)
        assert type(refused.error).__name__ in shown(refused.error)
        assert str(plex.token) not in shown(refused.error) + repr(refused) + caplog.text
    plex.websocket_refusal = None
    plex.clear_faults()
    await up(stream, plex)
    await still_up(stream, plex)


async def test_no_answer_in_time(
    plex: PlexSimulator,
    stream: Stream,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    plex.inject(Fault.SLOW, WEBSOCKET)
    with monkeypatch.context() as impatient:
        timeout = aiohttp.ClientTimeout(total=0.05)
        impatient.setattr(connection, "TIMEOUT", timeout)
        error = (await down(stream)).error
    assert isinstance(error, PlexTimeoutError)
    assert str(plex.token) not in shown(error) + caplog.text
    plex.clear_faults()
    await up(stream, plex)
    await still_up(stream, plex)


async def test_server_off(
    plex: PlexSimulator, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await up(stream, plex)
    plex.send_frame("not JSON")
    await plex.stop()
    assert (await down(stream)).error is None
    error = (await down(stream)).error
    assert type(error) is PlexConnectionError
    assert str(plex.token) not in shown(error) + caplog.text
    await plex.start()
    await up(stream, plex)


async def test_token_is_not_sent_elsewhere(plex: PlexSimulator, stream: Stream) -> None:
    async with PlexSimulator() as elsewhere:
        plex.redirect_target = elsewhere.url + WEBSOCKET
        plex.inject(Fault.REDIRECT_ELSEWHERE, WEBSOCKET)
        for _ in range(2):
            assert type((await down(stream)).error) is PlexRedirectError
        assert elsewhere.requests == []


# Delays


class Clock:
    """Stands in for asyncio: records delays, which end at once."""

    Event = asyncio.Event

    def __init__(self) -> None:
        self.now = 0.0
        self.delays: list[float] = []

    def get_running_loop(self) -> Clock:
        return self

    def time(self) -> float:
        return self.now

    def timeout(self, seconds: float) -> asyncio.Timeout:
        self.delays.append(seconds)
        return asyncio.timeout(0)

    def is_doubled(self) -> bool:
        """Return whether each delay is about twice the one before, up to a minute."""
        steps = [min(60, 2**power) for power in range(len(self.delays))]
        pairs = zip(steps, self.delays, strict=True)
        return all(step / 2 <= delay <= step for step, delay in pairs)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(events, "asyncio", clock)
    return clock


@pytest.fixture
async def timed(server: PlexServer, clock: Clock) -> AsyncIterator[Stream]:
    async with aclosing(listen(server)) as stream:
        yield stream


async def test_delay_grows_to_a_minute(
    plex: PlexSimulator, timed: Stream, clock: Clock
) -> None:
    await plex.stop()
    for _ in range(40):
        await down(timed)
    assert clock.is_doubled()
    assert len(clock.delays) == 39
    # The clients of a server that restarts do not all reconnect at the same moment.
    assert max(clock.delays[-30:]) - min(clock.delays[-30:]) > 1


async def test_connection_that_is_dropped_soon_counts_as_a_failure(
    plex: PlexSimulator, timed: Stream, clock: Clock
) -> None:
    for _ in range(8):
        await up(timed, plex)
        clock.now += 59
        plex.kick()
        await down(timed)
    assert clock.is_doubled()


async def test_delay_starts_again_after_a_connection_that_lasted(
    plex: PlexSimulator, timed: Stream, clock: Clock
) -> None:
    for _ in range(3):
        await up(timed, plex)
        clock.now += 60.5
        plex.websocket_refusal = 404
        plex.kick()
        clock.delays.clear()
        for _ in range(7):
            await down(timed)
        assert clock.is_doubled()
        plex.websocket_refusal = None


async def test_slow_failure_is_not_a_connection_that_lasted(
    server: PlexServer, timed: Stream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def hang() -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        clock.now += 100
        raise PlexTimeoutError("no answer in time")
        yield

    monkeypatch.setattr(server, "notifications", hang)
    for _ in range(8):
        await down(timed)
    assert clock.is_doubled()


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_token_is_tried_again_after_five_minutes(
    plex: PlexSimulator, timed: Stream, clock: Clock, status: int
) -> None:
    plex.websocket_refusal = status
    for _ in range(3):
        await down(timed)
    assert clock.delays == [300, 300]
    plex.websocket_refusal = None
    await up(timed, plex)


async def test_wait_is_ended_by_retry(
    plex: PlexSimulator, server: PlexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FIRST_DELAY", 1e6)
    retry = asyncio.Event()
    retry.set()  # Before the stream is lost, it has no effect.
    async with aclosing(listen(server, retry=retry)) as stream:
        await up(stream, plex)
        for _ in range(2):
            plex.kick()
            await down(stream)
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            assert not retry.is_set()
            retry.set()
            assert await waiting == StreamUp()
            await plex.wait_for_sockets(1)
        plex.kick()
        await down(stream)
        retry.set()  # While the consumer handles the event, it counts.
        await up(stream, plex)


# Nothing is left after listening


@pytest.fixture
async def nothing_left(
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
    assert not session.closed
    assert (await server.get_identity()).version == plex.version
    await plex.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()
    assert [str(w.message) for w in recwarn if "nclosed" in str(w.message)] == []


@pytest.mark.usefixtures("nothing_left")
async def test_never_started(server: PlexServer, plex: PlexSimulator) -> None:
    await listen(server).aclose()
    assert plex.requests == []


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.usefixtures("nothing_left")
async def test_closed_while_up(
    server: PlexServer, plex: PlexSimulator, *, deaf: bool
) -> None:
    async with aclosing(listen(server)) as stream:
        await up(stream, plex)
        plex.notify("preference", "Setting", [{"id": "A"}])
        await anext(stream)
        plex.deaf = deaf
        async with asyncio.timeout(5):
            await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@pytest.mark.parametrize(
    "fault", [Fault.NOT_FOUND, Fault.DROP, Fault.HUGE, Fault.REDIRECT_ELSEWHERE]
)
@pytest.mark.usefixtures("nothing_left")
async def test_closed_while_down(
    server: PlexServer, plex: PlexSimulator, fault: Fault
) -> None:
    plex.inject(fault, WEBSOCKET)
    async with aclosing(listen(server)) as stream:
        await down(stream)


class Listener:
    """Listens in a task of its own."""

    def __init__(self, server: PlexServer) -> None:
        self.received: asyncio.Queue[events.Event] = asyncio.Queue()
        self.task = asyncio.create_task(self._listen(server))

    async def _listen(self, server: PlexServer) -> None:
        async with aclosing(listen(server)) as stream:
            async for event in stream:
                self.received.put_nowait(event)

    async def cancel(self) -> None:
        self.task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([self.task])
        assert self.task.cancelled()


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.usefixtures("nothing_left")
async def test_cancelled_while_up(
    server: PlexServer, plex: PlexSimulator, *, deaf: bool
) -> None:
    listener = Listener(server)
    assert await listener.received.get() == StreamUp()
    await plex.wait_for_sockets(1)
    plex.deaf = deaf
    await listener.cancel()


@pytest.mark.usefixtures("nothing_left")
async def test_cancelled_while_connecting(
    server: PlexServer, plex: PlexSimulator
) -> None:
    plex.inject(Fault.SLOW, WEBSOCKET)
    listener = Listener(server)
    await plex.wait_for_request("GET", WEBSOCKET)
    await listener.cancel()
    assert listener.received.empty()


@pytest.mark.usefixtures("nothing_left")
async def test_cancelled_while_waiting(
    server: PlexServer, plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FIRST_DELAY", 1000)
    plex.websocket_refusal = 404
    listener = Listener(server)
    assert isinstance(await listener.received.get(), StreamDown)
    await listener.cancel()
    assert len(plex.requests) == 1


@pytest.mark.usefixtures("nothing_left")
async def test_connection_is_released_before_waiting(
    server: PlexServer, plex: PlexSimulator
) -> None:
    async with aclosing(listen(server)) as stream:
        await up(stream, plex)
        plex.kick()
        await down(stream)
        await server.get_identity()
