"""What answers a search for servers on the network (GDM, "Good Day Mate")."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self, override

from .http_server import HOST, Server
from .recording import Pulse
from .server import PlexSimulator

SEARCH = b"M-SEARCH * HTTP/1.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class GdmServer:
    """What one server says of itself."""

    name: str
    port: int
    machine_identifier: str
    version: str
    host: str | None = None
    """The domain of its certificate, "<hash>.plex.direct"; None leaves the line out."""

    @classmethod
    def of(cls, plex: PlexSimulator, direct_hash: str | None = None) -> Self:
        """Return what a running server says."""
        return cls(
            name=plex.name,
            port=plex.port,
            machine_identifier=plex.machine_identifier,
            version=plex.version,
            host=None if direct_hash is None else f"{direct_hash}.plex.direct",
        )

    def reply(self) -> bytes:
        """Return the datagram."""
        lines = [
            "HTTP/1.0 200 OK",
            "Content-Type: plex/media-server",
            f"Name: {self.name}",
            f"Port: {self.port}",
            f"Resource-Identifier: {self.machine_identifier}",
            f"Version: {self.version}",
        ]
        if self.host is not None:
            lines.append(f"Host: {self.host}")
        return "".join(f"{line}\r\n" for line in lines).encode()


class GdmResponder(asyncio.DatagramProtocol, Server):
    """Answers searches sent to 127.0.0.1: where no multicast works, this does."""

    def __init__(self, servers: Iterable[GdmServer] = (), *, port: int = 0) -> None:
        """Prepare it; port 0 takes a free one."""
        self.servers = list(servers)
        """Who answers, one reply each."""
        self.raw_replies: list[bytes] = []
        """What is sent after those replies, well-formed or not."""
        self.searches = 0
        """How many searches were answered."""
        self._port = port
        self._searched = Pulse()
        self._closed = Pulse()
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where to send searches, once it listens."""
        return HOST, self._port

    @override
    async def start(self) -> None:
        """Listen; after a stop on the same port as before."""
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, self.address
        )
        self._port = self._transport.get_extra_info("sockname")[1]

    @override
    async def stop(self) -> None:
        """Go off the network."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
            await self._closed.wait()

    async def wait_for_search(self) -> None:
        """Return as soon as a search has been answered."""
        while not self.searches:
            await self._searched.wait()

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._transport is None or data.splitlines()[:1] != [SEARCH]:
            return
        for reply in (*(server.reply() for server in self.servers), *self.raw_replies):
            self._transport.sendto(reply, addr)
        self.searches += 1
        self._searched.beat()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.beat()
