"""How long the stream waits before it is tried again."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexServer,
    PlexTimeoutError,
    StreamDown,
    events,
    listen,
)
from tests.simulator import PlexSimulator

from .test_events import Stream, down, up


class Clock:
    """Stands in for asyncio: time goes by only where it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def get_running_loop(self) -> Clock:
        return self

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(events, "asyncio", clock)
    return clock


@pytest.fixture
async def stream(server: PlexServer, clock: Clock) -> AsyncIterator[Stream]:
    async with aclosing(listen(server)) as stream:
        yield stream


def waited(event: StreamDown) -> float:
    assert event.retry is not None
    return event.retry


def doubled(waits: list[float], first: float = 1) -> bool:
    """Whether each wait is about twice the one before, up to a minute."""
    steps = [min(60, first * 2**power) for power in range(len(waits))]
    return all(
        step / 2 <= wait <= step for step, wait in zip(steps, waits, strict=True)
    )


async def test_refused(plex: PlexSimulator, stream: Stream, clock: Clock) -> None:
    await plex.stop()
    waits = [waited(await down(stream)) for _ in range(40)]
    assert doubled(waits)
    assert clock.slept == waits[:-1]
    # Not all clients of a server that was restarted come back at once.
    assert max(waits[-30:]) - min(waits[-30:]) > 1


async def test_dropped_at_once(
    plex: PlexSimulator, stream: Stream, clock: Clock
) -> None:
    """A proxy may accept every connection and keep none."""
    waits = []
    for _ in range(8):
        await up(stream, plex)
        clock.now += 59
        plex.kick()
        waits.append(waited(await down(stream)))
    assert doubled(waits)


async def test_lost_after_it_lasted(
    plex: PlexSimulator, stream: Stream, clock: Clock
) -> None:
    plex.websocket_refusal = 404
    for _ in range(8):
        await down(stream)
    for _ in range(2):
        plex.websocket_refusal = None
        await up(stream, plex)
        clock.now += 60.5
        plex.websocket_refusal = 404
        plex.kick()
        assert doubled([waited(await down(stream)) for _ in range(8)])


async def test_try_that_takes_long_is_no_success(
    server: PlexServer, stream: Stream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def hang() -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        clock.now += 100
        raise PlexTimeoutError("no answer in time")
        yield

    monkeypatch.setattr(server, "notifications", hang)
    assert doubled([waited(await down(stream)) for _ in range(8)])
