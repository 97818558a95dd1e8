"""What the tests of the simulator ask it with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, fromstring

import aiohttp

from tests.simulator import PlexSimulator, SimulatedTask

JSON = {"Accept": "application/json"}
BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
NOTIFICATIONS = "/:/websockets/notifications"
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
        async with self.session.request(
            method, self.plex.url + path, headers=headers | self._auth(token), **kwargs
        ) as response:
            body = await response.read()
            return Reply(response.status, response.content_type, response.headers, body)

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
