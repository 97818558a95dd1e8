"""What clients asked for, in order of arrival."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from multidict import CIMultiDictProxy


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came over the wire."""

    method: str
    raw_path: str
    """Without the query, percent-encoding kept."""
    query: str
    headers: CIMultiDictProxy[str]

    @classmethod
    def from_request(cls, request: web.BaseRequest) -> RecordedRequest:
        """Read a request's line and headers."""
        raw_path, _, query = request.raw_path.partition("?")
        return cls(request.method, raw_path, query, request.headers)

    @property
    def token(self) -> str | None:
        """The token, which Plex takes from the header or from the query."""
        if (token := self.headers.get("X-Plex-Token")) is not None:
            return token
        return self.parameter("X-Plex-Token")

    @property
    def wants_json(self) -> bool:
        """Whether JSON was asked for; XML is Plex's default."""
        return "application/json" in self.headers.get("Accept", "")

    def parameter(self, name: str) -> str | None:
        """Return a parameter of the query, None when it is missing or empty."""
        return next(iter(parse_qs(self.query).get(name, ())), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the request for a look from outside."""
        return {
            "method": self.method,
            "raw_path": self.raw_path,
            "query": self.query,
            "headers": list(self.headers.items()),
        }


class Pulse:
    """Wakes those who wait for a condition each time something happened."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def beat(self) -> None:
        """Let everybody who waits look again."""
        self._event.set()
        self._event.clear()

    async def wait(self) -> None:
        """Wait for the next beat."""
        await self._event.wait()
