"""A token that is refused, and certificates that are not the expected one."""

import asyncio
from ssl import SSLContext

import aiohttp
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    PlexAuthenticationError,
    PlexServer,
    PlexTlsError,
    StartResult,
    connection,
    read_certificate,
)
from tests.simulator import PlexSimulator

from .test_server_identity import CALLS, Call

OPTIMIZE = "OptimizeDatabase"
SIDE = {"get_name", "get_activities", "get_settings", "websocket"}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE", 0)


def renewing(
    session: aiohttp.ClientSession, plex: PlexSimulator, token: str | None
) -> tuple[PlexServer, list[str]]:
    """Return a client with a refused token, and a list of the renewals."""
    renewals = []

    async def renew() -> str | None:
        renewals.append("renewed")
        await asyncio.sleep(0)
        return token

    return PlexServer(session, plex.url, "refused", renew_token=renew), renewals


@pytest.mark.parametrize("name", sorted(CALLS.keys() - SIDE))
async def test_request_is_repeated_with_a_new_token(
    session: aiohttp.ClientSession, plex: PlexSimulator, name: str
) -> None:
    server, renewals = renewing(session, plex, plex.token)
    await CALLS[name](server)
    await CALLS[name](server)
    assert len(renewals) == 1
    tokens = [request.token for request in plex.requests]
    assert tokens == ["refused", plex.token, plex.token]


@pytest.mark.parametrize("call", [CALLS[name] for name in sorted(SIDE)])
async def test_side_answers_do_not_tell_whether_a_token_is_refused(
    session: aiohttp.ClientSession, plex: PlexSimulator, call: Call
) -> None:
    server, renewals = renewing(session, plex, plex.token)
    with pytest.raises(PlexAuthenticationError):
        await call(server)
    assert renewals == []


@pytest.mark.parametrize("token", [None, "", "also refused"])
async def test_no_better_token(
    session: aiohttp.ClientSession, plex: PlexSimulator, token: str | None
) -> None:
    server, renewals = renewing(session, plex, token)
    with pytest.raises(PlexAuthenticationError):
        await server.get_butler_tasks()
    assert len(renewals) == 1
    assert len(plex.requests) == (2 if token else 1)


async def test_two_requests_at_once(
    session: aiohttp.ClientSession, plex: PlexSimulator
) -> None:
    """The token is renewed once for both."""
    server, renewals = renewing(session, plex, plex.token)
    answers = await asyncio.gather(
        server.start_task(OPTIMIZE), server.get_butler_tasks()
    )
    assert answers[0] is StartResult.STARTED
    assert len(renewals) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_certificate(
    session: aiohttp.ClientSession,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    renewed_tls: SSLContext,
    call: Call,
) -> None:
    """A valid name does not matter, and another certificate gets no request at all."""
    await plex.stop()
    plex.ssl_context = direct_tls
    await plex.start()
    certificate = await read_certificate(URL(plex.url))
    assert certificate
    server = PlexServer(
        session, plex.url, plex.token, fingerprint=certificate.fingerprint
    )
    await call(server)
    assert plex.requests

    await plex.stop()
    plex.ssl_context = renewed_tls
    await plex.start()
    plex.requests.clear()
    with pytest.raises(PlexTlsError, match=r"^another certificate$"):
        await call(server)
    assert plex.requests == []
