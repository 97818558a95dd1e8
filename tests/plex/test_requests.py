"""Each call sends one right request, and introduces itself."""

from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    ClientInfo,
    PlexAuthenticationError,
    PlexResponseError,
    PlexServer,
)
from tests.simulator import PlexSimulator

OPTIMIZE = "OptimizeDatabase"

every_call = pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        pytest.param(PlexServer.get_identity, "GET", "/identity", id="get_identity"),
        pytest.param(PlexServer.get_name, "GET", "/", id="get_name"),
        pytest.param(
            PlexServer.get_butler_tasks, "GET", "/butler", id="get_butler_tasks"
        ),
        pytest.param(
            PlexServer.get_activities, "GET", "/activities", id="get_activities"
        ),
        pytest.param(PlexServer.get_settings, "GET", "/:/prefs", id="get_settings"),
        pytest.param(
            lambda server: server.start_task(OPTIMIZE),
            "POST",
            f"/butler/{OPTIMIZE}",
            id="start_task",
        ),
        pytest.param(
            lambda server: server.stop_task(OPTIMIZE),
            "DELETE",
            f"/butler/{OPTIMIZE}",
            id="stop_task",
        ),
        pytest.param(
            PlexServer.start_all_tasks, "POST", "/butler", id="start_all_tasks"
        ),
        pytest.param(
            PlexServer.stop_all_tasks, "DELETE", "/butler", id="stop_all_tasks"
        ),
    ],
)
type Call = Callable[[PlexServer], Awaitable[object]]


@every_call
async def test_a_call_is_one_request_without_a_query(
    plex: PlexSimulator, server: PlexServer, call: Call, method: str, path: str
) -> None:
    await call(server)

    (request,) = plex.requests
    assert (request.method, request.raw_path, request.query) == (method, path, "")


@every_call
async def test_a_request_introduces_the_client_and_asks_for_json(
    plex: PlexSimulator,
    session: aiohttp.ClientSession,
    call: Call,
    method: str,
    path: str,
) -> None:
    client = ClientInfo(
        identifier="of-this-home",
        product="A Product",
        version="1.2.3",
        device_name="A Device",
        language="nl",
    )

    await call(PlexServer(session, plex.url, plex.token, client=client))

    headers = plex.requests[0].headers
    assert headers.getall("Accept") == ["application/json"]
    expected = {
        "X-Plex-Client-Identifier": "of-this-home",
        "X-Plex-Product": "A Product",
        "X-Plex-Version": "1.2.3",
        "X-Plex-Device-Name": "A Device",
        "X-Plex-Language": "nl",
        "X-Plex-Token": plex.token,
    }
    # Who answers is asked before a token goes there.
    missing = {"/identity": "X-Plex-Token"}.get(path)
    expected.pop(missing, None)
    assert {k: v for k, v in headers.items() if k.startswith("X-Plex-")} == expected


async def test_a_client_without_a_name_has_one_of_its_own(
    plex: PlexSimulator, server: PlexServer
) -> None:
    await server.get_identity()

    headers = plex.requests[0].headers
    assert headers["X-Plex-Client-Identifier"] == "plex-butler"
    assert headers["X-Plex-Product"] == "Butler for Plex"
    assert headers["X-Plex-Version"] == "0"
    assert headers["X-Plex-Device-Name"] == "Butler for Plex"
    assert headers["X-Plex-Language"] == "en"


@every_call
@pytest.mark.parametrize("token", [None, ""])
async def test_without_a_token_no_token_is_sent(
    session: aiohttp.ClientSession,
    token: str | None,
    call: Call,
    method: str,
    path: str,
) -> None:
    async with PlexSimulator(token=None) as unclaimed:
        unclaimed.butler.start(OPTIMIZE)

        await call(PlexServer(session, unclaimed.url, token))

        assert "X-Plex-Token" not in unclaimed.requests[0].headers


@pytest.mark.parametrize("token", ["two\nlines", "caf\xe9", "null\0", "\ud800"])
async def test_what_no_header_can_carry_is_no_token(
    session: aiohttp.ClientSession, token: str
) -> None:
    with pytest.raises(PlexAuthenticationError) as raised:
        PlexServer(session, "192.168.1.5", token)

    assert token not in str(raised.value)


async def test_the_url_may_be_what_a_user_types(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    typed = f" 127.0.0.1:{plex.port}/web/index.html#!/ "
    server = PlexServer(session, typed, plex.token)

    assert str(server.url) == plex.url
    assert await server.get_name() == plex.name


async def test_requests_stay_below_the_prefix_of_a_proxy(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    server = PlexServer(session, f"{plex.url}/behind/a%20proxy/", plex.token)

    with pytest.raises(PlexResponseError):
        await server.get_butler_tasks()

    assert plex.requests[0].raw_path == "/behind/a%20proxy/butler"


async def test_a_session_that_raises_by_itself_changes_nothing(
    plex: PlexSimulator,
) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        server = PlexServer(session, plex.url, "wrong")

        with pytest.raises(PlexAuthenticationError):
            await server.get_butler_tasks()
