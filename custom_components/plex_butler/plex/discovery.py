"""Finding servers on the network: GDM, which Plex calls "Good Day Mate".

A search is a datagram to a multicast group; every server that receives it replies with
a datagram that looks like the head of an HTTP response.
"""

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
import socket
from typing import Final, Self, override

from yarl import URL

from .direct import direct_hash, direct_url
from .models import MAX_TITLE, clean_text, usable_id

GDM_ADDRESS: Final = ("239.0.0.250", 32414)
SEARCH: Final = b"M-SEARCH * HTTP/1.0"
# Datagrams get lost, so the search is sent once in each round (seconds).
ROUNDS = 2
ROUND = 1.0
# More than any home has.
MAX_SERVERS = 64
_OK = "HTTP/1.0 200 OK"


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoveredServer:
    """A server that replied to a search; nothing of it is verified."""

    name: str
    address: str
    port: int
    machine_identifier: str
    direct_hash: str | None
    """The hash of the plex.direct names its certificate is valid for, if given."""

    @classmethod
    def from_reply(cls, reply: bytes, address: str) -> Self:
        """Parse a reply from an address; ValueError if it is not one of a server."""
        head, *lines = reply.decode(errors="replace").split("\r\n")
        fields = {
            key.strip().lower(): value.strip()
            for key, _, value in (line.partition(":") for line in lines)
        }
        identifier = usable_id(fields.get("resource-identifier"))
        port = int(fields.get("port", ""))
        if (
            head != _OK
            or fields.get("content-type") != "plex/media-server"
            or identifier is None
            or not 0 < port < 2**16
        ):
            raise ValueError("not a server")
        return cls(
            name=clean_text(fields.get("name"), MAX_TITLE) or address,
            address=address,
            port=port,
            machine_identifier=identifier,
            direct_hash=direct_hash(fields.get("host", "")),
        )

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs at which it may answer, https first."""
        plain = str(URL.build(scheme="http", host=self.address, port=self.port))
        if self.direct_hash and (
            secure := direct_url(self.address, self.direct_hash, self.port)
        ):
            return (str(secure), plain)
        return (plain,)


class _Search(asyncio.DatagramProtocol):
    """Receives the replies on one interface."""

    def __init__(self, found: dict[tuple[str, str, int], DiscoveredServer]) -> None:
        self._found = found

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(self._found) >= MAX_SERVERS:
            return
        try:
            server = DiscoveredServer.from_reply(data, addr[0])
        except ValueError:
            return
        # Not by identifier alone: any machine can reply with that of another one.
        key = (server.machine_identifier, server.address, server.port)
        self._found.setdefault(key, server)


async def discover(interfaces: Iterable[str]) -> tuple[DiscoveredServer, ...]:
    """Search for servers on the networks of some interfaces.

    `interfaces` are the IPv4 addresses of this machine to search from. Takes two
    seconds, unless there are none.
    """
    found: dict[tuple[str, str, int], DiscoveredServer] = {}
    with ExitStack() as stack:
        transports = []
        for address in interfaces:
            try:
                transport = await _open(address, found)
            except OSError:  # An interface may go down at any time.
                continue
            stack.callback(transport.close)
            transports.append(transport)
        for _ in range(ROUNDS if transports else 0):
            for transport in transports:
                transport.sendto(SEARCH, GDM_ADDRESS)
            await asyncio.sleep(ROUND)
    return tuple(found.values())


async def _open(
    address: str, found: dict[tuple[str, str, int], DiscoveredServer]
) -> asyncio.DatagramTransport:
    """Return a transport that sends from an interface, ignoring the routing table."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address)
        )
        sock.bind((address, 0))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Search(found), sock=sock
        )
    except BaseException:
        sock.close()
        raise
    return transport
