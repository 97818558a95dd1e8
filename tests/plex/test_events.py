"""The stream, from a real server over a real socket."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
import json
from typing import Any

import pytest

from custom_components.plex_butler.plex import (
    ActivityEvent,
    PlexServer,
    SettingEvent,
    StreamDown,
    StreamUp,
    connection,
    events,
    listen,
)
from custom_components.plex_butler.plex.connection import HEARTBEAT, MAX_FRAME
from custom_components.plex_butler.plex.events import ActivityChange, Event
from tests.simulator import PlexSimulator

WEBSOCKET = "/:/websockets/notifications"
ACTIVITY: dict[str, Any] = {
    "uuid": "6f7c",
    "type": "butler",
    "title": "Butler tasks",
    "subtitle": "",
    "progress": -1,
}

type Stream = AsyncGenerator[Event]


@pytest.fixture
async def stream(
    server: PlexServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stream]:
    """What the server says, at once again after it was lost."""
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
    """Assert that the next thing that comes through is what is said now."""
    plex.notify("preference", "Setting", [{"id": "StillUp"}])
    assert await anext(stream) == SettingEvent(id="StillUp")


# What it says


async def test_events(plex: PlexSimulator, stream: Stream) -> None:
    await up(stream, plex)
    for change in ActivityChange:
        plex.announce(change, ACTIVITY | {"title": change})
    plex.notify("preference", "Setting", [{"id": "A"}, {"id": "B", "value": 3}])

    for change in ActivityChange:
        event = await anext(stream)
        assert isinstance(event, ActivityEvent)
        assert event.change is change
        assert (event.activity.uuid, event.activity.title) == ("6f7c", change)
    assert await anext(stream) == SettingEvent(id="A")
    assert await anext(stream) == SettingEvent(id="B")


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
    told: list[tuple[str, str]] = []
    while ("ended", "Butler tasks") not in told:
        event = await anext(stream)
        assert isinstance(event, ActivityEvent)
        told.append((event.change, event.activity.title))
    assert told[0] == ("started", "Butler tasks")
    assert ("started", "OptimizeDatabase") in told
    assert ("ended", "OptimizeDatabase") in told


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "not JSON",
        "[]",
        b"\x00\xff",
        json.dumps({"NotificationContainer": {"type": "preference"}}).encode(),
        {"NotificationContainer": {"type": "playing", "PlaySession": [{}]}},
        {"NotificationContainer": {"type": "activity", "ActivityNotification": 7}},
        {
            "NotificationContainer": {
                "type": "activity",
                "ActivityNotification": [{"event": 7, "Activity": ACTIVITY}],
            }
        },
    ],
)
async def test_what_is_not_understood_is_ignored(
    plex: PlexSimulator, stream: Stream, odd: str | bytes | dict[str, Any]
) -> None:
    await up(stream, plex)
    plex.send_frame(odd)
    await still_up(stream, plex)


async def test_binary_frame_is_ignored_whatever_it_holds(
    plex: PlexSimulator, stream: Stream
) -> None:
    await up(stream, plex)
    container = {"type": "preference", "Setting": [{"id": "Binary"}]}
    plex.send_frame(json.dumps({"NotificationContainer": container}).encode())
    await still_up(stream, plex)


# When it is lost


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
    await still_up(stream, plex)


async def test_dead_peer_is_noticed(
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
