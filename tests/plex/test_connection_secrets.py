"""No error and no log entry contains the token."""

import asyncio
import logging

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    PlexError,
    PlexServer,
    PlexUrlError,
    connection,
    normalize_url,
)
from tests.simulator import Fault, PlexSimulator

from .common import Wire, chain_of, http, shown

SECRET = "s3cr3t-t0k3n"
HANGS = (Fault.SLOW, Fault.DRIP)


async def everything_said(server: PlexServer) -> str:
    """Return all that every call raises, as a log would show it."""
    outcomes = await asyncio.gather(
        server.get_identity(),
        server.get_name(),
        server.get_butler_tasks(),
        server.get_activities(),
        server.get_settings(),
        server.set_settings({"OnDeckWindow": 3}),
        server.start_task("BackupDatabase"),
        server.stop_task("BackupDatabase"),
        server.start_all_tasks(),
        server.stop_all_tasks(),
        return_exceptions=True,
    )
    errors = [error for error in outcomes if isinstance(error, BaseException)]
    assert all(isinstance(error, PlexError) for error in errors)
    return "".join(map(shown, errors))


def tokens_sent(plex: PlexSimulator) -> set[str | None]:
    """Return which tokens came along, but for the call that needs none."""
    asked = [one for one in plex.requests if not one.raw_path.endswith("/identity")]
    return {request.token for request in asked}


@pytest.fixture
def plex(plex: PlexSimulator) -> PlexSimulator:
    plex.token = SECRET
    return plex


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in HANGS])
async def test_no_fault_brings_the_token_to_light(
    plex: PlexSimulator,
    server: PlexServer,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    caplog.set_level(logging.DEBUG)
    plex.inject(fault)

    said = await everything_said(server)

    assert tokens_sent(plex) == {SECRET}
    assert SECRET not in said
    assert SECRET not in caplog.text
    assert SECRET not in "".join(r.raw_path + r.query for r in plex.requests)


@pytest.mark.parametrize("fault", HANGS)
async def test_no_time_out_brings_the_token_to_light(
    plex: PlexSimulator,
    server: PlexServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(connection, "TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    plex.inject(fault)

    said = await everything_said(server)

    assert "PlexTimeoutError" in said
    assert SECRET not in said
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"no HTTP at all\r\n\r\n", id="no-http"),
        pytest.param(http(content_length="-1"), id="negative-length"),
        pytest.param(http(body=b"bare", content_encoding="gzip"), id="no-gzip"),
        pytest.param(http(302, location="http://["), id="no-location"),
        pytest.param(http(transfer_encoding="chunked"), id="two-lengths"),
    ],
)
async def test_no_broken_answer_brings_the_token_to_light(
    session: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    answer: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Wire(answer) as wire:
        said = await everything_said(PlexServer(session, wire.address, SECRET))

    with_token = [one for one in wire.requests if b" /identity " not in one]
    assert all(SECRET.encode() in request for request in with_token)
    assert said
    assert SECRET not in said
    assert SECRET not in caplog.text


async def test_an_unreachable_server_does_not_bring_the_token_to_light(
    plex: PlexSimulator, server: PlexServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await plex.stop()

    said = await everything_said(server)

    assert "Cannot connect" in said
    assert SECRET not in said
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "typed",
    [
        f"http://owner:{SECRET}@192.168.1.5",
        f"http://owner:{SECRET}@[::1",
        f"http://owner:{SECRET}@plex\u2100.example.com",
        f"192.168.1.5:{SECRET}",
        f"http://192.168.1.5:99999/?X-Plex-Token={SECRET}",
        f"ftp://192.168.1.5/?X-Plex-Token={SECRET}",
        f"plex {SECRET}",
        f"{SECRET}\u2028x",
        f"{SECRET}..",
    ],
)
def test_a_refused_address_does_not_bring_what_was_typed_to_light(typed: str) -> None:
    with pytest.raises(PlexUrlError) as raised:
        normalize_url(typed)

    error = raised.value
    assert str(error) == error.reason
    assert SECRET not in f"{error.__cause__!r}{error.__suppress_context__}"
    assert SECRET not in repr(list(chain_of(error)))


def test_no_object_shows_the_token(server: PlexServer, plex: PlexSimulator) -> None:
    assert SECRET not in f"{server!r}{server}{server.url!r}"
