"""A stand-in for plex.tv: signing in with a code, and the account's servers."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from math import ceil
import secrets
import string
from time import monotonic
from typing import Any, override

from .account import AccountServer
from .http_server import HttpServer
from .recording import RecordedRequest
from .rendering import Answer, error_page, json_document, xml_document

CLIENT = "X-Plex-Client-Identifier"
ACCOUNT_TOKEN = "account-token-of-the-simulator"
LIFETIME = 900
"""Seconds a code can be used for."""

_CODE_CHARACTERS = string.ascii_uppercase + string.digits
_CODE_LENGTH = 4
_STRONG_CODE_LENGTH = 25
_FIRST_ID = 111222333


@dataclass(slots=True)
class _Pin:
    number: int
    code: str
    client: str
    token: str | None = None
    end: float = field(default_factory=lambda: monotonic() + LIFETIME)

    @property
    def seconds_left(self) -> int:
        return ceil(self.end - monotonic())

    @property
    def expired(self) -> bool:
        return self.seconds_left <= 0

    def content(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "code": self.code,
            "expiresIn": self.seconds_left,
            "authToken": self.token,
        }


class PlexTvSimulator(HttpServer):
    """A simulated plex.tv on 127.0.0.1, with one account."""

    def __init__(self, *, port: int = 0, servers: Iterable[AccountServer] = ()) -> None:
        """Prepare it; port 0 takes a free one."""
        super().__init__(port)
        self.account_token = ACCOUNT_TOKEN
        """What signing in leads to; whoever has another one is not signed in."""
        self.servers = list(servers)
        """What belongs to the account or is shared with it, in the order it is told."""
        self._pins: dict[str, _Pin] = {}
        self._numbers = count(_FIRST_ID)

    @property
    def pins_url(self) -> str:
        """Where codes come from."""
        return f"{self.url}/api/v2/pins"

    @property
    def resources_url(self) -> str:
        """Where the account's servers are listed."""
        return f"{self.url}/api/v2/resources"

    @property
    def codes(self) -> list[str]:
        """The codes handed out, in that order."""
        return [pin.code for pin in self._pins.values()]

    def confirm(self, code: str | None = None) -> str:
        """Type a code, the newest unless told, at plex.tv/link; return which it was."""
        for pin in reversed(self._pins.values()):
            if code in {None, pin.code} and not pin.expired:
                pin.token = self.account_token
                return pin.code
        raise LookupError("there is no such code, or it has expired")

    def expire(self) -> None:
        """Let every code that was handed out expire."""
        for pin in self._pins.values():
            pin.end = monotonic()

    @override
    def answer(self, request: RecordedRequest, path: str) -> Answer:
        match request.method, path.split("/"):
            case "POST", ["", "api", "v2", "pins"]:
                return self._new_pin(request)
            case "GET", ["", "api", "v2", "pins", number]:
                return self._known_pin(request, number)
            case "GET", ["", "api", "v2", "resources"]:
                return self._resources(request)
        return error_page(404)

    @override
    def control(self, method: str, name: str) -> dict[str, Any] | None:
        match method, name:
            case "POST", "confirm":
                return {"confirmed": self.confirm()}
            case "POST", "expire":
                self.expire()
                return {"expired": self.codes}
        return None

    def _new_pin(self, request: RecordedRequest) -> Answer:
        client = request.headers.get(CLIENT)
        if not client:
            return error_page(400)
        strong = (request.parameter("strong") or "").lower() in {"1", "true"}
        length = _STRONG_CODE_LENGTH if strong else _CODE_LENGTH
        code = "".join(secrets.choice(_CODE_CHARACTERS) for _ in range(length))
        pin = _Pin(next(self._numbers), code, client)
        self._pins[str(pin.number)] = pin
        return replace(_pin_document(pin, request), status=201)

    def _known_pin(self, request: RecordedRequest, number: str) -> Answer:
        pin = self._pins.get(number)
        if pin is None or pin.expired or pin.client != request.headers.get(CLIENT):
            return error_page(404)
        return _pin_document(pin, request)

    def _resources(self, request: RecordedRequest) -> Answer:
        if request.headers.get("X-Plex-Token") != self.account_token:
            return error_page(401)
        https = request.parameter("includeHttps") == "1"
        relay = request.parameter("includeRelay") == "1"
        rows = [server.row(https=https, relay=relay) for server in self.servers]
        if request.wants_json:
            return json_document(rows)
        for row in rows:
            row["connections"] = {"connection": row["connections"]}
        return xml_document("resources", {"resource": rows})


def _pin_document(pin: _Pin, request: RecordedRequest) -> Answer:
    content = pin.content()
    if request.wants_json:
        return json_document(content)
    return xml_document("pin", content)
