"""A Plex account: signing in to it, and the servers it knows.

Follows https://developer.plex.tv/pms/ ("Authentication") and plex.tv's own API
(operations createPin, getPin, getServerResources). Every call raises PlexError.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self

import aiohttp
from yarl import URL

from .connection import ClientInfo, PlexConnection
from .errors import (
    PlexBusyError,
    PlexConnectionError,
    PlexPinExpiredError,
    PlexResponseError,
)
from .models import MAX_NAME, MAX_TITLE

# The only place where plex.tv's addresses stand.
PLEX_TV_URL: Final = URL("https://plex.tv/api/v2")
PLEX_TV_CLIENTS_URL: Final = URL("https://clients.plex.tv/api/v2")
LINK_URL: Final = "https://plex.tv/link"

# plex.tv is asked for a token no more often, and less when it is busy (seconds).
POLL_INTERVAL = 3.0
LONGEST_POLL_INTERVAL = 30.0
# What a code is good for if plex.tv does not say.
PIN_SECONDS = 900.0

MAX_SERVERS = 256
MAX_CONNECTIONS = 32
MAX_URL = 512
MAX_TOKEN = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A sign-in that has begun."""

    id: int
    code: str
    """What is to be entered at `LINK_URL`."""
    expires_in: float
    """Seconds."""

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Read what `POST /pins` answers."""
        pin = raw if isinstance(raw, dict) else {}
        pin_id, code = pin.get("id"), pin.get("code")
        if type(pin_id) is not int or not isinstance(code, str):
            raise ValueError("no code")
        # It is shown to a person, as it is.
        if not (code.isascii() and code.isalnum() and len(code) <= MAX_NAME):
            raise ValueError("no code")
        seconds = pin.get("expiresIn")
        return cls(
            id=pin_id,
            code=code,
            expires_in=seconds
            if type(seconds) is int and 0 < seconds <= PIN_SECONDS
            else PIN_SECONDS,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountServer:
    """A server that an account may use."""

    name: str
    machine_identifier: str
    owned: bool
    access_token: str = field(repr=False)
    """The token for this server, and no other."""
    urls: tuple[str, ...]
    """Where it may answer, the best first."""

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Read one resource; ValueError if it is no server."""
        resource = raw if isinstance(raw, dict) else {}
        provides = resource.get("provides")
        identifier = resource.get("clientIdentifier")
        token = resource.get("accessToken")
        if not isinstance(provides, str) or "server" not in provides.split(","):
            raise ValueError("not a server")
        if not isinstance(identifier, str) or not 0 < len(identifier) <= MAX_NAME:
            raise ValueError("no clientIdentifier")
        if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN:
            raise ValueError("no accessToken")
        name = resource.get("name")
        return cls(
            name=name[:MAX_TITLE] if name and isinstance(name, str) else identifier,
            machine_identifier=identifier,
            owned=resource.get("owned") is True,
            access_token=token,
            urls=_urls(resource),
        )


def _urls(resource: dict[str, Any]) -> tuple[str, ...]:
    """Return where a server may answer: at home, elsewhere, and through a relay.

    Plain HTTP is good enough at home only: elsewhere, strangers would read the token.
    It proves nothing of who answers, so even there it comes last.
    """
    connections = resource.get("connections")
    ranked: list[tuple[int, str]] = []
    for connection in connections if isinstance(connections, list) else ():
        if not isinstance(connection, dict):
            continue
        local = connection.get("local") is True
        rank = 3 if connection.get("relay") is True else 0 if local else 2
        uri = connection.get("uri")
        if isinstance(uri, str) and uri.startswith("https://") and len(uri) <= MAX_URL:
            ranked.append((rank, uri))
        if rank == 0 and resource.get("httpsRequired") is not True:
            ranked += [(1, url) for url in _plain_url(connection)]
    ranked.sort(key=lambda pair: pair[0])
    return tuple(url for _, url in ranked[:MAX_CONNECTIONS])


def _plain_url(connection: dict[str, Any]) -> list[str]:
    address, port = connection.get("address"), connection.get("port")
    if not isinstance(address, str) or len(address) > MAX_URL or type(port) is not int:
        return []
    if not address.isascii():  # It takes long to find out what others stand for.
        return []
    try:
        return [str(URL.build(scheme="http", host=address, port=port))]
    except ValueError:
        return []


class PlexAccount:
    """plex.tv, for one installation: a sign-in belongs to `client.identifier`."""

    def __init__(self, session: aiohttp.ClientSession, client: ClientInfo) -> None:
        """Remember who asks; nothing is sent yet."""
        self._session = session
        self._client = client

    async def create_pin(self) -> Pin:
        """Begin a sign-in (`POST /pins`)."""
        answer = await self._plex_tv(PLEX_TV_URL).post_json("/pins")
        try:
            return Pin.from_json(answer)
        except ValueError as err:
            raise PlexResponseError(str(err)) from err

    async def get_token(self, pin: Pin) -> str | None:
        """Return the account's token, None while nobody has entered the code.

        Raises PlexPinExpiredError when nobody can any more (`GET /pins/{id}`).
        """
        try:
            answer = await self._plex_tv(PLEX_TV_URL).get_json(f"/pins/{pin.id}")
        except PlexResponseError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                raise PlexPinExpiredError("the code has expired") from err
            raise
        token = answer.get("authToken") if isinstance(answer, dict) else None
        return token if isinstance(token, str) and 0 < len(token) <= MAX_TOKEN else None

    async def wait_for_token(self, pin: Pin) -> str:
        """Return the account's token as soon as somebody has entered the code.

        Raises PlexPinExpiredError when nobody did in time. What goes wrong for a
        moment in between does not end the wait.
        """
        interval = POLL_INTERVAL
        try:
            async with asyncio.timeout(pin.expires_in):
                while True:
                    await asyncio.sleep(interval)
                    try:
                        if token := await self.get_token(pin):
                            return token
                    except PlexBusyError as err:
                        interval = min(
                            max(2 * interval, err.retry_after or 0),
                            LONGEST_POLL_INTERVAL,
                        )
                    except PlexConnectionError, PlexResponseError:
                        continue
        except TimeoutError:
            raise PlexPinExpiredError("the code has expired") from None

    async def get_server_resources(self, token: str) -> tuple[AccountServer, ...]:
        """Return the servers of an account, shared ones too (`GET /resources`)."""
        answer = await self._plex_tv(PLEX_TV_CLIENTS_URL, token).get_json(
            "/resources?includeHttps=1&includeRelay=1"
        )
        if not isinstance(answer, list):
            raise PlexResponseError("no list of resources")
        servers = []
        for resource in answer[:MAX_SERVERS]:
            try:
                servers.append(AccountServer.from_json(resource))
            except ValueError:  # players, and whatever else an account has
                continue
        return tuple(servers)

    def _plex_tv(self, url: URL, token: str | None = None) -> PlexConnection:
        return PlexConnection(self._session, url, token, self._client)
