"""The servers of an account, and where they may answer."""

from dataclasses import replace
import logging
from typing import Any

import aiohttp
from hypothesis import given, settings, strategies as st
import orjson
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    AccountServer,
    ClientInfo,
    PlexAccount,
    PlexAuthenticationError,
    PlexError,
    PlexRedirectError,
    PlexResponseError,
    account as module,
)
from tests import simulator
from tests.simulator import AccountConnection, Fault, PlexSimulator, PlexTvSimulator

from .test_models import JSON, NOTHING, objects, read
from .test_secrecy import shown
from .wire import Wire, http

HASH = "0123456789abcdef0123456789abcdef"
RESOURCES = "/api/v2/resources"
CLIENT = ClientInfo(identifier="of-this-home")
CONNECTION = {
    "protocol": "https",
    "address": "192.168.1.5",
    "port": 32400,
    "uri": "https://192-168-1-5.abc.plex.direct:32400",
    "local": True,
    "relay": False,
    "IPv6": False,
}
RESOURCE = {
    "name": "Media Server",
    "productVersion": "1.43.4",
    "platform": "Linux",
    "clientIdentifier": "5133",
    "provides": "server",
    "owned": True,
    "accessToken": "s3cr3t-t0k3n",
    "httpsRequired": False,
    "connections": [CONNECTION],
}


@pytest.fixture
def account(plex_tv: PlexTvSimulator, session: aiohttp.ClientSession) -> PlexAccount:
    """Who is signed in at plex.tv."""
    return PlexAccount(session, CLIENT)


def without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not NOTHING}


def resource(**changes: Any) -> AccountServer:
    return AccountServer.from_json(without_nothing(RESOURCE | changes))


# The list


async def test_the_servers_of_an_account(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    at_home = AccountConnection.of(plex, direct_hash=HASH)
    shared = simulator.AccountServer.of(plex, owned=False)
    plex_tv.servers = [
        simulator.AccountServer.of(plex, connections=[at_home]),
        replace(shared, name="A Friend's", client_identifier="another"),
    ]

    assert await account.get_server_resources(plex_tv.account_token) == (
        AccountServer(
            name="Media Server",
            machine_identifier=plex.machine_identifier,
            owned=True,
            access_token=str(plex.token),
            urls=(f"https://127-0-0-1.{HASH}.plex.direct:{plex.port}", plex.url),
        ),
        AccountServer(
            name="A Friend's",
            machine_identifier="another",
            owned=False,
            access_token=plex.shared_token,
            urls=(plex.url,),
        ),
    )


async def test_an_account_may_have_no_servers(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    assert await account.get_server_resources(plex_tv.account_token) == ()


async def test_all_addresses_are_asked_for(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    await account.get_server_resources(plex_tv.account_token)

    (request,) = plex_tv.requests
    assert (request.method, request.raw_path) == ("GET", RESOURCES)
    assert request.query == "includeHttps=1&includeRelay=1"
    assert request.headers["X-Plex-Client-Identifier"] == "of-this-home"


async def test_players_are_no_servers(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    server = simulator.AccountServer.of(plex)
    plex_tv.servers = [
        replace(server, provides=provides, name=provides)
        for provides in ("player", "client,player", "pvr-server", "", "player,server")
    ]

    found = await account.get_server_resources(plex_tv.account_token)

    assert [server.name for server in found] == ["player,server"]


async def test_what_is_malformed_is_left_out(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [None, 7, [], {}, RESOURCE | {"accessToken": None}, RESOURCE]
    async with Wire(http(body=orjson.dumps(rows))) as wire:
        monkeypatch.setattr(
            module, "PLEX_TV_CLIENTS_URL", URL(f"http://{wire.address}")
        )

        found = await PlexAccount(session, CLIENT).get_server_resources("token")

    assert found == (resource(),)


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.HTML, Fault.BAD_GATEWAY])
async def test_what_is_no_list_is_refused(
    plex_tv: PlexTvSimulator, account: PlexAccount, fault: Fault
) -> None:
    plex_tv.inject(fault)

    with pytest.raises(PlexResponseError):
        await account.get_server_resources(plex_tv.account_token)


async def test_a_list_has_an_end(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    server = simulator.AccountServer.of(plex)
    plex_tv.servers = [replace(server, name=str(number)) for number in range(257)]

    found = await account.get_server_resources(plex_tv.account_token)

    assert [server.name for server in found] == [str(n) for n in range(256)]


# The account's token


async def test_an_account_without_a_valid_token(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    with pytest.raises(PlexAuthenticationError):
        await account.get_server_resources("wrong")
    with pytest.raises(PlexAuthenticationError):
        await account.get_server_resources("two\nlines")

    assert len(plex_tv.requests) == 1


async def test_the_token_goes_to_where_the_servers_are_listed_and_in_a_header_only(
    plex_tv: PlexTvSimulator, account: PlexAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with PlexTvSimulator() as clients:
        monkeypatch.setattr(module, "PLEX_TV_CLIENTS_URL", URL(f"{clients.url}/api/v2"))

        await account.get_server_resources(clients.account_token)
        await account.get_token(await account.create_pin())

    (request,) = clients.requests
    assert request.headers.getall("X-Plex-Token") == [clients.account_token]
    assert clients.account_token not in f"{request.raw_path}{request.query}"
    assert [request.token for request in plex_tv.requests] == [None, None]


async def test_the_token_is_not_sent_elsewhere(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    async with PlexTvSimulator() as elsewhere:
        plex_tv.inject(Fault.REDIRECT_ELSEWHERE)
        plex_tv.redirect_target = elsewhere.resources_url

        with pytest.raises(PlexRedirectError):
            await account.get_server_resources(plex_tv.account_token)

    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "fault",
    [Fault.FORBIDDEN, Fault.HTML, Fault.DROP, Fault.TRUNCATED, Fault.REDIRECT_LOOP],
)
async def test_no_failure_brings_the_token_to_light(
    plex_tv: PlexTvSimulator,
    account: PlexAccount,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    caplog.set_level(logging.DEBUG)
    plex_tv.inject(fault)

    with pytest.raises(PlexError) as raised:
        await account.get_server_resources(plex_tv.account_token)

    assert plex_tv.requests[0].token == plex_tv.account_token
    assert plex_tv.account_token not in shown(raised.value) + caplog.text


def test_no_server_shows_its_token() -> None:
    server = resource()

    assert server.access_token == "s3cr3t-t0k3n"
    assert server.access_token not in f"{server!r}{server}"


# One of them


def test_a_server() -> None:
    assert resource() == AccountServer(
        name="Media Server",
        machine_identifier="5133",
        owned=True,
        access_token="s3cr3t-t0k3n",
        urls=(
            "https://192-168-1-5.abc.plex.direct:32400",
            "http://192.168.1.5:32400",
        ),
    )


@pytest.mark.parametrize("provides", [NOTHING, None, "", "player", 7, ["server"]])
def test_it_must_be_a_server(provides: Any) -> None:
    with pytest.raises(ValueError, match="not a server"):
        resource(provides=provides)


@pytest.mark.parametrize("identifier", [NOTHING, None, "", 7, [], "x" * 129])
def test_it_needs_an_identifier(identifier: Any) -> None:
    with pytest.raises(ValueError, match="no clientIdentifier"):
        resource(clientIdentifier=identifier)


@pytest.mark.parametrize("token", [NOTHING, None, "", 7, [], "x" * 513])
def test_it_needs_a_token(token: Any) -> None:
    with pytest.raises(ValueError, match="no accessToken"):
        resource(accessToken=token)


def test_identifier_and_token_are_never_cut() -> None:
    server = resource(clientIdentifier="x" * 128, accessToken="y" * 512)

    assert server.machine_identifier == "x" * 128
    assert server.access_token == "y" * 512


@pytest.mark.parametrize(
    ("sent", "name"),
    [("n" * 300, "n" * 255), ("", "5133"), (NOTHING, "5133"), (7, "5133")],
)
def test_its_name(sent: Any, name: str) -> None:
    assert resource(name=sent).name == name


@pytest.mark.parametrize("owned", [NOTHING, None, False, 0, 1, "1", "true"])
def test_only_what_is_said_to_be_owned_is_owned(owned: Any) -> None:
    assert resource(owned=owned).owned is False


CONNECTIONS = st.lists(objects(*CONNECTION), max_size=4) | JSON
RESOURCES_OF_ALL_KINDS = st.fixed_dictionaries(
    {
        "provides": st.just("server") | JSON,
        "clientIdentifier": st.text(min_size=1) | JSON,
        "accessToken": st.text(min_size=1) | JSON,
        "connections": CONNECTIONS,
    },
    optional={"name": JSON, "owned": JSON, "httpsRequired": JSON},
)


@settings(max_examples=500)
@given(raw=objects(*RESOURCE) | RESOURCES_OF_ALL_KINDS)
def test_any_json_is_a_server_or_none(raw: object) -> None:
    for value in read(AccountServer.from_json, raw):
        assert 0 < len(value.machine_identifier) <= 128
        assert 0 < len(value.name) <= 255
        assert 0 < len(value.access_token) <= 512
        assert isinstance(value.owned, bool)
        assert len(value.urls) <= 32
