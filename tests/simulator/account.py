"""What a Plex account has: servers, players and where they are said to be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from .certificates import direct_name
from .http_server import HOST
from .media_server import PLATFORM
from .server import PlexSimulator

CLOSED_PORT = 1
"""Nobody listens here, and no test without root's rights takes it by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountConnection:
    """An address plex.tv tells for a server, whether it is one or not."""

    protocol: str
    address: str
    port: int
    uri: str
    local: bool = True
    relay: bool = False
    ipv6: bool = False

    @classmethod
    def of(
        cls,
        plex: PlexSimulator,
        *,
        direct_hash: str | None = None,
        local: bool = True,
        relay: bool = False,
    ) -> Self:
        """Return where a server listens; with a hash its uri is that of plex.direct."""
        uri = plex.url
        if direct_hash is not None:
            uri = f"https://{direct_name(HOST, direct_hash)}:{plex.port}"
        return cls(
            protocol=uri.partition(":")[0],
            address=HOST,
            port=plex.port,
            uri=uri,
            local=local,
            relay=relay,
        )

    @classmethod
    def dead(cls, *, local: bool = True, relay: bool = False) -> Self:
        """Return an address that refuses every connection."""
        return cls(
            protocol="http",
            address=HOST,
            port=CLOSED_PORT,
            uri=f"http://{HOST}:{CLOSED_PORT}",
            local=local,
            relay=relay,
        )

    def row(self) -> dict[str, Any]:
        """Return the connection in Plex's names."""
        return {
            "protocol": self.protocol,
            "address": self.address,
            "port": self.port,
            "uri": self.uri,
            "local": self.local,
            "relay": self.relay,
            "IPv6": self.ipv6,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountServer:
    """A server, or with another `provides` a player, as plex.tv lists it."""

    name: str
    client_identifier: str
    """A server's machine identifier."""
    access_token: str
    owned: bool = True
    provides: str = "server"
    """What it is, separated by commas."""
    product_version: str
    platform: str
    https_required: bool = False
    connections: list[AccountConnection] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        plex: PlexSimulator,
        *,
        owned: bool = True,
        connections: Iterable[AccountConnection] | None = None,
    ) -> Self:
        """Return a running server, where it listens unless told otherwise.

        Its access token is the owner's, or that of somebody it is shared with.
        """
        if plex.token is None:
            raise ValueError("an unclaimed server is in nobody's account")
        if connections is None:
            connections = [AccountConnection.of(plex)]
        return cls(
            name=plex.name,
            client_identifier=plex.machine_identifier,
            access_token=plex.token if owned else plex.shared_token,
            owned=owned,
            product_version=plex.version,
            platform=PLATFORM,
            https_required=plex.ssl_context is not None,
            connections=list(connections),
        )

    def row(self, *, https: bool, relay: bool) -> dict[str, Any]:
        """Return the server in Plex's names, with only the connections asked for."""
        return {
            "name": self.name,
            "productVersion": self.product_version,
            "platform": self.platform,
            "clientIdentifier": self.client_identifier,
            "provides": self.provides,
            "owned": self.owned,
            "accessToken": self.access_token,
            "httpsRequired": self.https_required,
            "connections": [
                connection.row()
                for connection in self.connections
                if (https or connection.protocol != "https")
                and (relay or not connection.relay)
            ],
        }
