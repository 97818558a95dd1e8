"""The servers of an account, and where they may answer."""

from collections.abc import Iterable
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

from .common import (
    HASH,
    JSON,
    NOTHING,
    Wire,
    given_fields,
    http,
    objects,
    parsed,
    shown,
)

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


def resource(**changes: Any) -> AccountServer:
    return AccountServer.from_json(given_fields(RESOURCE | changes))


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
    for value in parsed(AccountServer.from_json, raw):
        assert 0 < len(value.machine_identifier) <= 128
        assert 0 < len(value.name) <= 255
        assert 0 < len(value.access_token) <= 512
        assert isinstance(value.owned, bool)
        assert len(value.urls) <= 32


# Addresses, the best first


def connection(**changes: Any) -> dict[str, Any]:
    return given_fields(CONNECTION | changes)


def urls(*connections: object, **changes: Any) -> tuple[str, ...]:
    """Return where a server with these connections may answer."""
    return resource(connections=list(connections), **changes).urls


RELAY = connection(uri="https://relay", address="9.9.9.9", local=False, relay=True)
REMOTE = connection(uri="https://remote", address="8.8.8.8", local=False)
LOCAL = connection(uri="https://local", address="192.168.1.5")


def test_home_comes_first_and_a_relay_last() -> None:
    assert urls(RELAY, REMOTE, LOCAL) == (
        "https://local",
        "http://192.168.1.5:32400",
        "https://remote",
        "https://relay",
    )


def test_at_home_every_secure_address_comes_before_a_plain_one() -> None:
    second = connection(uri="https://second", address="172.17.0.1")

    assert urls(LOCAL, second, REMOTE) == (
        "https://local",
        "https://second",
        "http://192.168.1.5:32400",
        "http://172.17.0.1:32400",
        "https://remote",
    )


def test_what_is_equally_good_stays_in_order() -> None:
    names = ["https://b", "https://a", "https://c"]

    assert urls(*(REMOTE | {"uri": name} for name in names)) == tuple(names)


def test_a_relay_is_not_at_home_whatever_it_says() -> None:
    assert urls(RELAY | {"local": True}, REMOTE) == ("https://remote", "https://relay")


@pytest.mark.parametrize("local", [NOTHING, None, False, 1, "1", "true"])
def test_only_what_is_said_to_be_local_is_trusted_with_plain_http(local: Any) -> None:
    assert urls(connection(uri="https://uri", local=local)) == ("https://uri",)


def test_plain_http_is_not_tried_where_https_is_required() -> None:
    assert urls(LOCAL, httpsRequired=True) == ("https://local",)


@pytest.mark.parametrize("required", [NOTHING, None, False])
def test_plain_http_is_tried_where_https_is_not_required(required: Any) -> None:
    assert len(urls(LOCAL, httpsRequired=required)) == 2


@pytest.mark.parametrize(
    "uri",
    [
        *(NOTHING, None, 7, [], "", "local", "https:local", "ftp://local"),
        *("http://local:32400", "HTTP://local", "https://" + "x" * 505),
    ],
)
def test_a_uri_is_a_secure_one(uri: Any) -> None:
    assert urls(connection(uri=uri)) == ("http://192.168.1.5:32400",)


def test_a_uri_is_never_cut() -> None:
    uri = "https://" + "x" * 504

    assert urls(connection(uri=uri, local=False)) == (uri,)


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("192.168.1.5", 1, "http://192.168.1.5:1"),
        ("plex.local", 65535, "http://plex.local:65535"),
        ("2001:db8::5", 32400, "http://[2001:db8::5]:32400"),
        ("fe80::1%eth0", 32400, "http://[fe80::1%eth0]:32400"),
    ],
)
def test_a_plain_address(address: str, port: int, url: str) -> None:
    assert urls(connection(uri=None, address=address, port=port)) == (url,)


@pytest.mark.parametrize(
    "changes",
    [
        *({"address": address} for address in (NOTHING, None, 7, [], "")),
        *({"address": address} for address in ("a b", "a/b", "user@a", "[::1]", "a:1")),
        {"address": "a." * 256 + "a"},
        {"address": "plex\u00e9.local"},
        *({"port": port} for port in (NOTHING, None, "32400", 32400.0, True)),
        *({"port": port} for port in (-1, 65536, 10**400)),
    ],
)
def test_what_is_no_address_is_left_out(changes: dict[str, Any]) -> None:
    assert urls(connection(uri=None, **changes), LOCAL) == urls(LOCAL)


@pytest.mark.parametrize("connections", [NOTHING, None, 7, "text", {}, []])
def test_a_server_may_have_no_address(connections: Any) -> None:
    assert resource(connections=connections).urls == ()


def test_what_is_no_connection_is_left_out() -> None:
    assert urls(None, 7, "text", [], {}, LOCAL) == urls(LOCAL)


def remotes(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [REMOTE | {"uri": f"https://{number}"} for number in numbers]


def test_of_too_many_addresses_the_best_are_kept() -> None:
    found = urls(RELAY, *remotes(range(40)), LOCAL)

    assert len(found) == 32
    assert found[:3] == ("https://local", "http://192.168.1.5:32400", "https://0")
    assert found[-1] == "https://29"


ADDRESSES = st.text() | st.ip_addresses().map(str)


@settings(max_examples=500)
@given(address=ADDRESSES, port=st.integers(-1, 65536), uri=st.text() | ADDRESSES)
def test_any_connection_is_an_address_or_none(
    address: str, port: int, uri: str
) -> None:
    for url in urls(connection(address=address, port=port, uri=f"https://{uri}")):
        assert url.startswith(("https://", "http://"))
