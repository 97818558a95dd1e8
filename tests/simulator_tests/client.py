"""What the tests of the simulator ask it with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from typing import Any, NamedTuple, override
from xml.etree.ElementTree import Element, fromstring

import aiohttp

from tests.simulator import PlexSimulator, PlexTvSimulator, SimulatedTask

JSON = {"Accept": "application/json"}
BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
NOTIFICATIONS = "/:/websockets/notifications"
SEARCH = b"M-SEARCH * HTTP/1.0"
PINS = "/api/v2/pins"
RESOURCES = "/api/v2/resources"
_UNTIL_NOW = "until now"


class Reply(NamedTuple):
    status: int
    content_type: str
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def xml(self) -> Element:
        return fromstring(self.body)  # noqa: S314 - nobody else's XML


async def ask(
    session: aiohttp.ClientSession, method: str, url: str, **kwargs: Any
) -> Reply:
    async with session.request(method, url, **kwargs) as response:
        body = await response.read()
        return Reply(response.status, response.content_type, response.headers, body)


class Client:
    """A client of one simulator, the owner's unless told otherwise."""

    def __init__(self, plex: PlexSimulator, session: aiohttp.ClientSession) -> None:
        self.plex = plex
        self.session = session

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        token: str | None = "",
        headers: dict[str, str] = JSON,
        **kwargs: Any,
    ) -> Reply:
        url, headers = self.plex.url + path, headers | self._auth(token)
        return await ask(self.session, method, url, headers=headers, **kwargs)

    @asynccontextmanager
    async def listen(
        self, query: str = "", *, token: str | None = "", **kwargs: Any
    ) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        """Open the websocket and close it afterwards."""
        async with self.session.ws_connect(
            self.plex.url + NOTIFICATIONS + query, headers=self._auth(token), **kwargs
        ) as websocket:
            yield websocket

    async def activities(self) -> list[dict[str, Any]]:
        reply = await self("GET", "/activities")
        activities: list[dict[str, Any]]
        activities = reply.json["MediaContainer"].get("Activity", [])
        return activities

    async def titles(self) -> list[str]:
        return [activity["title"] for activity in await self.activities()]

    def _auth(self, token: str | None) -> dict[str, str]:
        sent = self.plex.token if token == "" else token
        return {} if sent is None else {"X-Plex-Token": sent}


class AccountClient:
    """A client of plex.tv, not signed in unless told otherwise."""

    def __init__(
        self, plex_tv: PlexTvSimulator, session: aiohttp.ClientSession
    ) -> None:
        self.plex_tv = plex_tv
        self.session = session

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        client: str | None = "a client",
        headers: dict[str, str] = JSON,
    ) -> Reply:
        own = {"X-Plex-Token": token, "X-Plex-Client-Identifier": client}
        sent = headers | {key: value for key, value in own.items() if value is not None}
        url = self.plex_tv.url + path
        return await ask(self.session, method, url, headers=sent)

    async def new_pin(self) -> str:
        """Have a code made; return the path to ask for it at."""
        return f"{PINS}/{(await self('POST', PINS)).json['id']}"


class Searcher(asyncio.DatagramProtocol):
    """Sends datagrams to a responder and keeps what comes back."""

    def __init__(self) -> None:
        self.replies = asyncio.Queue[tuple[bytes, Any]]()

    @override
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.replies.put_nowait((data, addr))

    async def reply(self) -> bytes:
        return (await self.replies.get())[0]


async def heard(
    plex: PlexSimulator, websocket: aiohttp.ClientWebSocketResponse
) -> list[str]:
    """Return the frames that were sent until now and not yet received."""
    plex.send_frame(_UNTIL_NOW)
    frames: list[str] = []
    while (frame := await websocket.receive_str()) != _UNTIL_NOW:
        frames.append(frame)
    return frames


def three() -> list[SimulatedTask]:
    """Return three enabled tasks, one of them randomised, and one that is not."""
    return [
        SimulatedTask("A", "Task A", "", 1),
        SimulatedTask("B", "Task B", "", 1, schedule_randomized=True),
        SimulatedTask("C", "Task C", "", 1),
        SimulatedTask("Off", "Disabled", "", 1, enabled=False),
    ]
