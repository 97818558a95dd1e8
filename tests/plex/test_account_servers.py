"""The servers of an account, and their addresses."""

from collections.abc import Iterable
from dataclasses import replace
import logging
from typing import Any

import aiohttp
from hypothesis import given, strategies as st
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
    """The client of plex.tv."""
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


async def test_request_for_the_servers(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    await account.get_server_resources(plex_tv.account_token)

    (request,) = plex_tv.requests
    assert (request.method, request.raw_path) == ("GET", RESOURCES)
    assert request.query == "includeHttps=1&includeRelay=1"
    assert request.headers["X-Plex-Client-Identifier"] == "of-this-home"


async def test_players_are_left_out(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    server = simulator.AccountServer.of(plex)
    plex_tv.servers = [
        replace(server, provides=provides, name=provides)
        for provides in ("player", "client,player", "pvr-server", "", "player,server")
    ]

    found = await account.get_server_resources(plex_tv.account_token)

    assert [server.name for server in found] == ["player,server"]


async def test_malformed_resources_are_left_out(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [RESOURCE | {"accessToken": token} for token in (None, "a\nb", "\xe9")]
    rows = [None, 7, [], {}, *tokens, RESOURCE]
    async with Wire(http(body=orjson.dumps(rows))) as wire:
        monkeypatch.setattr(
            module, "PLEX_TV_CLIENTS_URL", URL(f"http://{wire.address}")
        )

        found = await PlexAccount(session, CLIENT).get_server_resources("token")

    assert found == (resource(),)


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.HTML, Fault.BAD_GATEWAY])
async def test_answer_without_a_list_is_refused(
    plex_tv: PlexTvSimulator, account: PlexAccount, fault: Fault
) -> None:
    plex_tv.inject(fault)

    with pytest.raises(PlexResponseError):
        await account.get_server_resources(plex_tv.account_token)


async def test_list_is_limited(
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


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.UNPROCESSABLE])
async def test_refusal_of_the_token_by_plex_tv(
    plex_tv: PlexTvSimulator, account: PlexAccount, fault: Fault
) -> None:
    plex_tv.inject(fault)

    with pytest.raises(PlexAuthenticationError):
        await account.get_server_resources(plex_tv.account_token)


async def test_token_is_sent_to_one_host_in_a_header_only(
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
async def test_no_failure_shows_the_token(
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


# One resource


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


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        *(
            ("provides", value, "not a server")
            for value in (NOTHING, None, "", "player", 7, ["server"])
        ),
        *(
            ("clientIdentifier", value, "no clientIdentifier")
            for value in (NOTHING, None, "", 7, [], "x" * 129, "5\n1")
        ),
        *(
            ("accessToken", value, "no accessToken")
            for value in (NOTHING, None, "", 7, [], "x" * 513)
        ),
    ],
)
def test_other_resources_are_refused(field: str, value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        resource(**{field: value})


@pytest.mark.parametrize(
    ("field", "sent", "attribute", "value"),
    [
        ("clientIdentifier", "x" * 128, "machine_identifier", "x" * 128),
        ("accessToken", "y" * 512, "access_token", "y" * 512),
        ("name", "n" * 300, "name", "n" * 255),
        ("name", "Me\x00dia", "name", "Media"),
        *(("name", sent, "name", "5133") for sent in ("", NOTHING, 7)),
    ],
)
def test_fields_of_a_resource(
    field: str, sent: Any, attribute: str, value: Any
) -> None:
    assert getattr(resource(**{field: sent}), attribute) == value


@pytest.mark.parametrize("owned", [NOTHING, None, False, 0, 1, "1", "true"])
def test_owned(owned: Any) -> None:
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


@given(raw=objects(*RESOURCE) | RESOURCES_OF_ALL_KINDS)
def test_any_json_as_a_resource(raw: object) -> None:
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
    """Return the URLs of a server with these connections."""
    return resource(connections=list(connections), **changes).urls


RELAY = connection(uri="https://relay", address="9.9.9.9", local=False, relay=True)
REMOTE = connection(uri="https://remote", address="8.8.8.8", local=False)
LOCAL = connection(uri="https://local", address="192.168.1.5")


def test_local_comes_first_and_a_relay_last() -> None:
    assert urls(RELAY, REMOTE, LOCAL) == (
        "https://local",
        "http://192.168.1.5:32400",
        "https://remote",
        "https://relay",
    )


def test_all_local_https_comes_before_local_http() -> None:
    second = connection(uri="https://second", address="172.17.0.1")

    assert urls(LOCAL, second, REMOTE) == (
        "https://local",
        "https://second",
        "http://192.168.1.5:32400",
        "http://172.17.0.1:32400",
        "https://remote",
    )


def test_equal_addresses_stay_in_order() -> None:
    names = ["https://b", "https://a", "https://c"]

    assert urls(*(REMOTE | {"uri": name} for name in names)) == tuple(names)


def test_relay_is_never_local() -> None:
    assert urls(RELAY | {"local": True}, REMOTE) == ("https://remote", "https://relay")


@pytest.mark.parametrize("local", [NOTHING, None, False, 1, "1", "true"])
def test_no_http_for_remote_addresses(local: Any) -> None:
    assert urls(connection(uri="https://uri", local=local)) == ("https://uri",)


def test_no_http_where_https_is_required() -> None:
    assert urls(LOCAL, httpsRequired=True) == ("https://local",)


@pytest.mark.parametrize("required", [NOTHING, None, False])
def test_http_where_https_is_not_required(required: Any) -> None:
    assert len(urls(LOCAL, httpsRequired=required)) == 2


@pytest.mark.parametrize(
    "uri",
    [
        *(NOTHING, None, 7, [], "", "local", "https:local", "ftp://local"),
        *("http://local:32400", "HTTP://local", "https://" + "x" * 505),
    ],
)
def test_other_uris_are_left_out(uri: Any) -> None:
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
def test_invalid_addresses_are_left_out(changes: dict[str, Any]) -> None:
    assert urls(connection(uri=None, **changes), LOCAL) == urls(LOCAL)


@pytest.mark.parametrize("connections", [NOTHING, None, 7, "text", {}, []])
def test_a_server_may_have_no_address(connections: Any) -> None:
    assert resource(connections=connections).urls == ()


def test_invalid_connections_are_left_out() -> None:
    assert urls(None, 7, "text", [], {}, LOCAL) == urls(LOCAL)


def remotes(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [REMOTE | {"uri": f"https://{number}"} for number in numbers]


def test_best_of_too_many_addresses() -> None:
    found = urls(RELAY, *remotes(range(40)), LOCAL)

    assert len(found) == 32
    assert found[:3] == ("https://local", "http://192.168.1.5:32400", "https://0")
    assert found[-1] == "https://29"


ADDRESSES = st.text() | st.ip_addresses().map(str)


@given(address=ADDRESSES, port=st.integers(-1, 65536), uri=st.text() | ADDRESSES)
def test_any_connection(address: str, port: int, uri: str) -> None:
    for url in urls(connection(address=address, port=port, uri=f"https://{uri}")):
        assert url.startswith(("https://", "http://"))
