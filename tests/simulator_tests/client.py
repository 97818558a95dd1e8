"""What the tests of the simulator ask it with."""

import json
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, fromstring

import aiohttp

from tests.simulator import PlexSimulator, SimulatedTask

JSON = {"Accept": "application/json"}
BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"


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
        sent = self.plex.token if token == "" else token
        headers = headers | ({} if sent is None else {"X-Plex-Token": sent})
        async with self.session.request(
            method, self.plex.url + path, headers=headers, **kwargs
        ) as response:
            body = await response.read()
            return Reply(response.status, response.content_type, response.headers, body)

    async def activities(self) -> list[dict[str, Any]]:
        reply = await self("GET", "/activities")
        activities: list[dict[str, Any]]
        activities = reply.json["MediaContainer"].get("Activity", [])
        return activities

    async def titles(self) -> list[str]:
        return [activity["title"] for activity in await self.activities()]


def three() -> list[SimulatedTask]:
    """Return three enabled tasks, one of them randomised, and one that is not."""
    return [
        SimulatedTask("A", "Task A", "", 1),
        SimulatedTask("B", "Task B", "", 1, schedule_randomized=True),
        SimulatedTask("C", "Task C", "", 1),
        SimulatedTask("Off", "Disabled", "", 1, enabled=False),
    ]
