"""Public Plex clients can sign in and find servers at the simulators.

They were made for plex.tv and real networks, so the simulators behave like these.
"""

import asyncio
from collections.abc import AsyncIterator
import socket
from types import SimpleNamespace
from typing import Any, override

from aiohttp import ClientSession
from plex_api_client.models.components.plexdevice import Connections
from plexapi import gdm as plexapi_gdm
from plexapi.exceptions import NotFound, Unauthorized
from plexapi.gdm import GDM
from plexapi.myplex import MyPlexAccount, MyPlexPinLogin, MyPlexResource
import pytest
import requests

from tests.simulator import (
    AccountConnection,
    AccountServer,
    GdmResponder,
    GdmServer,
    PlexSimulator,
    PlexTvSimulator,
)

pytestmark = pytest.mark.usefixtures("socket_enabled")

HASH = "0123456789abcdef0123456789abcdef"
QUERY = "?includeHttps=1&includeRelay=1"


@pytest.fixture
async def plex_tv(
    plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PlexTvSimulator]:
    """plex.tv as plexapi uses it, with the server in the account."""
    async with PlexTvSimulator(servers=[AccountServer.of(plex)]) as plex_tv:
        monkeypatch.setattr(MyPlexPinLogin, "PINS", plex_tv.pins_url)
        monkeypatch.setattr(MyPlexResource, "key", plex_tv.resources_url + QUERY)
        yield plex_tv


class Account(MyPlexAccount):
    """A signed-in account; plexapi sends more requests than the simulator knows."""

    @override
    def __init__(self, token: str) -> None:
        self._token = token
        self._session = requests.Session()
        self._timeout = 30

    async def servers(self) -> list[MyPlexResource]:
        resources: list[MyPlexResource] = await asyncio.to_thread(self.resources)
        return resources


@pytest.fixture
def account(plex_tv: PlexTvSimulator) -> Account:
    return Account(plex_tv.account_token)


# plexapi signs in


async def test_plexapi_signs_in(plex_tv: PlexTvSimulator) -> None:
    login = MyPlexPinLogin()

    assert await asyncio.to_thread(lambda: login.pin) == plex_tv.codes[0]
    assert await asyncio.to_thread(login.checkLogin) is False
    plex_tv.confirm(login.pin)
    assert await asyncio.to_thread(login.checkLogin) is True
    assert login.token == plex_tv.account_token
    assert login.finished is True
    assert login.expired is False
    # Its token gives access to the list of servers.
    assert await Account(login.token).servers()


async def test_plexapi_waits_for_the_code(plex_tv: PlexTvSimulator) -> None:
    login = MyPlexPinLogin()
    await asyncio.to_thread(login.run)
    plex_tv.confirm()

    assert await asyncio.to_thread(login.waitForLogin) is True
    assert login.token == plex_tv.account_token


async def test_plexapi_sees_a_code_expire(plex_tv: PlexTvSimulator) -> None:
    login = MyPlexPinLogin()
    await asyncio.to_thread(lambda: login.pin)
    plex_tv.expire()

    assert await asyncio.to_thread(login.checkLogin) is False
    assert login.expired is True
    assert login.token is None


async def test_plexapi_asks_for_a_strong_code(plex_tv: PlexTvSimulator) -> None:
    login = MyPlexPinLogin(oauth=True)
    url = await asyncio.to_thread(login.oauthUrl)

    (code,) = plex_tv.codes
    assert len(code) > 4
    assert url.endswith(f"code={code}")


# plexapi lists and reaches servers


async def test_plexapi_lists_servers(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: Account
) -> None:
    plex_tv.servers.append(AccountServer.of(plex, owned=False, connections=[]))
    own, shared = await account.servers()

    assert own.name == plex.name
    assert own.clientIdentifier == plex.machine_identifier
    assert own.accessToken == plex.token
    assert own.productVersion == plex.version
    assert own.platform == "Linux"
    assert own.provides == "server"
    assert (own.owned, shared.owned) == (True, False)
    assert own.httpsRequired is False
    assert shared.accessToken == plex.shared_token
    assert shared.connections == []


async def test_plexapi_understands_connections(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: Account
) -> None:
    plex_tv.servers = [
        AccountServer.of(
            plex,
            connections=[
                AccountConnection.of(plex, direct_hash=HASH, local=False, relay=True),
                AccountConnection(
                    protocol="http", address="::1", port=1, uri="x", ipv6=True
                ),
            ],
        )
    ]
    (server,) = await account.servers()
    relay, ipv6 = server.connections

    assert relay.protocol == "https"
    assert (relay.address, relay.port) == ("127.0.0.1", plex.port)
    assert relay.uri == f"https://127-0-0-1.{HASH}.plex.direct:{plex.port}"
    assert (relay.local, relay.relay, relay.ipv6) == (False, True, False)
    assert (ipv6.local, ipv6.relay, ipv6.ipv6) == (True, False, True)


async def test_plexapi_reaches_a_server(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: Account
) -> None:
    connections = [AccountConnection.dead(), AccountConnection.of(plex)]
    plex_tv.servers = [AccountServer.of(plex, connections=connections)]
    (resource,) = await account.servers()

    server = await asyncio.to_thread(resource.connect)
    assert server.machineIdentifier == plex.machine_identifier
    assert len(await asyncio.to_thread(server.butlerTasks)) == 22


async def test_plexapi_finds_all_addresses_dead(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, account: Account
) -> None:
    connections = [AccountConnection.dead()]
    plex_tv.servers = [AccountServer.of(plex, connections=connections)]
    (resource,) = await account.servers()

    with pytest.raises(NotFound):
        await asyncio.to_thread(resource.connect)


async def test_plexapi_is_not_signed_in(plex_tv: PlexTvSimulator) -> None:
    with pytest.raises(Unauthorized):
        await Account("wrong").servers()


# plex-api-client, which reads JSON. It requires more fields of a server than are known,
# so these tests are about connections only.


async def test_plex_api_client_understands_connections(
    plex: PlexSimulator, plex_tv: PlexTvSimulator, session: ClientSession
) -> None:
    headers = {"Accept": "application/json", "X-Plex-Token": plex_tv.account_token}
    async with session.get(plex_tv.resources_url + QUERY, headers=headers) as response:
        (server,) = await response.json()
    (connection,) = map(Connections.model_validate, server["connections"])

    assert connection.uri == plex.url
    assert (connection.address, connection.port) == ("127.0.0.1", plex.port)
    assert connection.local is True
    assert connection.relay is connection.i_pv6 is False


# plexapi searches the network


async def test_plexapi_finds_servers_on_the_network(
    plex: PlexSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with GdmResponder([GdmServer.of(plex, HASH)]) as responder:

        class Unicast(socket.socket):
            """Sends multicast datagrams to the responder."""

            @override
            def sendto(self, data: Any, address: Any) -> int:
                assert address == ("239.0.0.250", 32414)
                return super().sendto(data, responder.address)

        sockets = SimpleNamespace(**vars(socket) | {"socket": Unicast})
        monkeypatch.setattr(plexapi_gdm, "socket", sockets)
        gdm = GDM()
        await asyncio.to_thread(gdm.scan)

    assert gdm.entries == [
        {
            "data": {
                "Content-Type": "plex/media-server",
                "Name": plex.name,
                "Port": str(plex.port),
                "Resource-Identifier": plex.machine_identifier,
                "Version": plex.version,
                "Host": f"{HASH}.plex.direct",
            },
            "from": responder.address,
        }
    ]
