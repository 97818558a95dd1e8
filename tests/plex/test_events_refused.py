"""A stream that cannot be had: from whom it is tried again, and where its token goes."""

from collections.abc import AsyncIterator
from contextlib import aclosing
import logging
import traceback

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHttpsRequiredError,
    PlexRedirectError,
    PlexResponseError,
    PlexServer,
    PlexTimeoutError,
    StreamDown,
    connection,
    events,
    listen,
)
from tests.simulator import Fault, PlexSimulator

from .test_events import WEBSOCKET, Stream, down, still_up, up


@pytest.fixture
async def stream(
    server: PlexServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stream]:
    monkeypatch.setattr(events, "FIRST_DELAY", 0.001)
    async with aclosing(listen(server)) as stream:
        yield stream


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.UNAUTHORIZED, PlexAuthenticationError),
        (Fault.FORBIDDEN, PlexForbiddenError),
    ],
)
@pytest.mark.parametrize("connected", [False, True])
async def test_unwanted_client_stays_away(
    plex: PlexSimulator,
    stream: Stream,
    fault: Fault,
    kind: type[PlexError],
    *,
    connected: bool,
) -> None:
    if connected:
        await up(stream, plex)
        plex.kick()
        await down(stream)
    plex.inject(fault, WEBSOCKET)
    last = await down(stream)
    assert type(last.error) is kind
    assert last.retry is None
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert len(plex.requests) == 1 + connected


async def test_wrong_token(plex: PlexSimulator, stream: Stream) -> None:
    plex.token = "another"
    assert isinstance((await down(stream)).error, PlexAuthenticationError)


FAULTS: dict[Fault | int, type[PlexError]] = {
    400: PlexResponseError,
    404: PlexResponseError,
    200: PlexResponseError,
    Fault.SERVER_ERROR: PlexResponseError,
    Fault.BAD_GATEWAY: PlexResponseError,
    Fault.HTML: PlexResponseError,
    Fault.HUGE: PlexResponseError,
    Fault.MAINTENANCE: PlexBusyError,
    Fault.RATE_LIMITED: PlexBusyError,
    Fault.DROP: PlexHttpsRequiredError,
    Fault.REDIRECT_HERE: PlexRedirectError,
    Fault.REDIRECT_LOOP: PlexRedirectError,
    Fault.REDIRECT_ELSEWHERE: PlexRedirectError,
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
    how: Fault | int,
    kind: type[PlexError],
) -> None:
    """Whatever the reason, it is tried again, and comes up when it can."""
    refuse(plex, how)
    for _ in range(3):
        refused = await down(stream)
        assert type(refused.error) is kind
        assert refused.retry is not None
    plex.websocket_refusal = None
    plex.clear_faults()
    await up(stream, plex)
    await still_up(stream, plex)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(connection, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    return monkeypatch


async def test_no_answer_in_time(
    plex: PlexSimulator, stream: Stream, impatient: pytest.MonkeyPatch
) -> None:
    plex.inject(Fault.SLOW, WEBSOCKET)
    assert type((await down(stream)).error) is PlexTimeoutError
    impatient.undo()
    plex.clear_faults()
    await up(stream, plex)
    await still_up(stream, plex)


async def test_server_away(plex: PlexSimulator, stream: Stream) -> None:
    await up(stream, plex)
    await plex.stop()
    assert (await down(stream)).error is None
    assert type((await down(stream)).error) is PlexConnectionError
    await plex.start()
    await up(stream, plex)


async def test_token_goes_nowhere_else(plex: PlexSimulator, stream: Stream) -> None:
    async with PlexSimulator() as elsewhere:
        plex.redirect_target = elsewhere.url + WEBSOCKET
        plex.inject(Fault.REDIRECT_ELSEWHERE, WEBSOCKET)
        for _ in range(2):
            assert type((await down(stream)).error) is PlexRedirectError
        assert elsewhere.requests == []


# What is told of it


def said(refused: StreamDown) -> str:
    """Return what a log may show of it."""
    assert refused.error
    text = "".join(traceback.format_exception(refused.error))
    assert type(refused.error).__name__ in text
    return text + repr(refused)


@pytest.mark.parametrize("how", [*FAULTS, Fault.UNAUTHORIZED, Fault.FORBIDDEN], ids=str)
async def test_token_is_not_told(
    plex: PlexSimulator,
    stream: Stream,
    caplog: pytest.LogCaptureFixture,
    how: Fault | int,
) -> None:
    caplog.set_level(logging.DEBUG)
    refuse(plex, how)
    assert plex.token
    assert plex.token not in said(await down(stream)) + caplog.text


async def test_token_is_not_told_when_there_is_no_answer(
    plex: PlexSimulator,
    stream: Stream,
    caplog: pytest.LogCaptureFixture,
    impatient: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    plex.inject(Fault.SLOW, WEBSOCKET)
    assert plex.token
    assert plex.token not in said(await down(stream)) + caplog.text


async def test_token_is_not_told_while_connected(
    plex: PlexSimulator, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await up(stream, plex)
    plex.send_frame("not JSON")
    await still_up(stream, plex)
    await plex.stop()
    await down(stream)
    assert plex.token
    assert plex.token not in said(await down(stream)) + caplog.text
