"""The account's servers, as the simulated plex.tv lists them."""

from collections.abc import Callable
from dataclasses import replace

import aiohttp
import pytest

from tests.simulator import (
    AccountConnection,
    AccountServer,
    Authority,
    PlexSimulator,
    PlexTvSimulator,
)

from .client import RESOURCES, AccountClient, ask

ALL = f"{RESOURCES}?includeHttps=1&includeRelay=1"
HASH = "0123456789abcdef0123456789abcdef"


def _connections() -> list[AccountConnection]:
    """Return a plain one, one with TLS, one by relay, and one by relay with TLS."""
    plain = AccountConnection(
        protocol="http", address="::1", port=1, uri="http://[::1]:1", ipv6=True
    )
    secure = replace(plain, protocol="https", uri=f"https://x.{HASH}.plex.direct:1")
    return [
        plain,
        secure,
        replace(plain, relay=True, local=False),
        replace(secure, relay=True, local=False),
    ]


async def test_list_in_json(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    plex_tv.servers.append(AccountServer.of(plex))
    reply = await ask_tv("GET", ALL, token=plex_tv.account_token)

    assert (reply.status, reply.content_type) == (200, "application/json")
    assert reply.json == [
        {
            "name": "Media Server",
            "productVersion": plex.version,
            "platform": "Linux",
            "clientIdentifier": plex.machine_identifier,
            "provides": "server",
            "owned": True,
            "accessToken": plex.token,
            "httpsRequired": False,
            "connections": [
                {
                    "protocol": "http",
                    "address": "127.0.0.1",
                    "port": plex.port,
                    "uri": plex.url,
                    "local": True,
                    "relay": False,
                    "IPv6": False,
                }
            ],
        }
    ]


async def test_list_in_xml_by_default(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    plex_tv.servers.append(AccountServer.of(plex))
    reply = await ask_tv("GET", ALL, token=plex_tv.account_token, headers={})

    assert (reply.status, reply.content_type) == (200, "text/xml")
    assert reply.xml.tag == "resources"
    (server,) = reply.xml
    assert server.tag == "resource"
    assert server.attrib == {
        "name": "Media Server",
        "productVersion": plex.version,
        "platform": "Linux",
        "clientIdentifier": plex.machine_identifier,
        "provides": "server",
        "owned": "1",
        "accessToken": plex.token,
        "httpsRequired": "0",
    }
    assert [child.tag for child in server] == ["connections"]
    (connection,) = server[0]
    assert connection.tag == "connection"
    assert connection.attrib == {
        "protocol": "http",
        "address": "127.0.0.1",
        "port": str(plex.port),
        "uri": plex.url,
        "local": "1",
        "relay": "0",
        "IPv6": "0",
    }


async def test_no_servers(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    token = plex_tv.account_token

    assert (await ask_tv("GET", RESOURCES, token=token)).json == []
    assert not len((await ask_tv("GET", RESOURCES, token=token, headers={})).xml)


@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_who_is_not_signed_in(ask_tv: AccountClient, token: str | None) -> None:
    reply = await ask_tv("GET", RESOURCES, token=token)

    assert (reply.status, reply.content_type) == (401, "text/html")


async def test_token_belongs_into_the_header(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    path = f"{RESOURCES}?X-Plex-Token={plex_tv.account_token}"

    assert (await ask_tv("GET", path)).status == 401


async def test_token_that_was_withdrawn(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    old, plex_tv.account_token = plex_tv.account_token, "new"

    assert (await ask_tv("GET", RESOURCES, token=old)).status == 401
    assert (await ask_tv("GET", RESOURCES, token="new")).status == 200


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("?includeHttps=1&includeRelay=1", [0, 1, 2, 3]),
        ("?includeHttps=1", [0, 1]),
        ("?includeRelay=1", [0, 2]),
        ("?includeHttps=0&includeRelay=0", [0]),
        ("", [0]),
    ],
)
async def test_connections_that_were_not_asked_for(
    plex: PlexSimulator,
    plex_tv: PlexTvSimulator,
    ask_tv: AccountClient,
    query: str,
    listed: list[int],
) -> None:
    connections = _connections()
    plex_tv.servers = [AccountServer.of(plex, connections=connections)]
    reply = await ask_tv("GET", RESOURCES + query, token=plex_tv.account_token)

    (server,) = reply.json
    assert server["connections"] == [connections[index].row() for index in listed]


# Accounts tests need


async def test_shared_server_comes_with_its_own_token(
    plex: PlexSimulator, ask_tv: AccountClient
) -> None:
    server = AccountServer.of(plex, owned=False)

    assert server.owned is False
    assert server.access_token == plex.shared_token != plex.token


def test_unclaimed_server_is_in_no_account() -> None:
    with pytest.raises(ValueError, match="unclaimed"):
        AccountServer.of(PlexSimulator(token=None))


async def test_player(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    player = AccountServer(
        name="Television",
        client_identifier="a player",
        access_token="token",
        provides="client,player",
        product_version="1.0",
        platform="Android",
    )
    plex_tv.servers.append(player)
    (listed,) = (await ask_tv("GET", ALL, token=plex_tv.account_token)).json

    assert listed["provides"] == "client,player"
    assert listed["connections"] == []


async def test_connections_dead_and_alive(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    async with PlexSimulator(machine_identifier="e" * 40) as impostor:
        connections = [
            AccountConnection.dead(),
            AccountConnection.of(impostor),
            AccountConnection.of(plex, local=False, relay=True),
        ]
        plex_tv.servers = [AccountServer.of(plex, connections=connections)]
        (listed,) = (await ask_tv("GET", ALL, token=plex_tv.account_token)).json
        dead, wrong, right = [row["uri"] for row in listed["connections"]]

        with pytest.raises(aiohttp.ClientConnectorError):
            await ask(ask_tv.session, "GET", dead)
        for uri, expected in ((wrong, impostor), (right, plex)):
            identity = await ask(ask_tv.session, "GET", f"{uri}/identity")
            found = identity.xml.get("machineIdentifier")
            assert found == expected.machine_identifier
    assert listed["clientIdentifier"] == plex.machine_identifier
    assert [(row["local"], row["relay"]) for row in listed["connections"]] == [
        (True, False),
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("make", "host"),
    [
        (AccountConnection.of, "127.0.0.1"),
        (
            lambda plex: AccountConnection.of(plex, direct_hash=HASH),
            f"127-0-0-1.{HASH}.plex.direct",
        ),
    ],
)
async def test_server_with_tls(
    make: Callable[[PlexSimulator], AccountConnection], host: str
) -> None:
    plex = PlexSimulator()
    plex.ssl_context = Authority().direct(HASH)
    async with plex:
        connection = make(plex)
        server = AccountServer.of(plex, connections=[connection])

    assert server.https_required is True
    assert connection.protocol == "https"
    assert (connection.address, connection.port) == ("127.0.0.1", plex.port)
    assert connection.uri == f"https://{host}:{plex.port}"
