"""Client of plex.tv: signing in, and the servers of an account.

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
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexPinExpiredError,
    PlexResponseError,
)
from .models import MAX_NAME, MAX_TITLE, clean_text, usable_id

# Nothing else in this package contains an address of plex.tv.
PLEX_TV_URL: Final = URL("https://plex.tv/api/v2")
PLEX_TV_CLIENTS_URL: Final = URL("https://clients.plex.tv/api/v2")
LINK_URL: Final = "https://plex.tv/link"

# Seconds between two requests for a token; more when plex.tv is busy.
POLL_INTERVAL = 3.0
LONGEST_POLL_INTERVAL = 30.0
# How long a code is valid if plex.tv does not say so.
PIN_SECONDS = 900.0

MAX_SERVERS = 256
MAX_CONNECTIONS = 32
MAX_URL = 512
MAX_TOKEN = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """The code of a sign-in."""

    id: int
    code: str
    """The code to enter at `LINK_URL`."""
    expires_in: float
    """Seconds."""

    @property
    def url(self) -> str:
        """The URL of the page to link an account, with the code filled in."""
        return f"{LINK_URL}/?pin={self.code}"

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse the answer to `POST /pins`."""
        pin = raw if isinstance(raw, dict) else {}
        pin_id, code = pin.get("id"), pin.get("code")
        if type(pin_id) is not int or not isinstance(code, str):
            raise ValueError("no code")
        # It is displayed unchanged.
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
    """The URLs at which it may answer, the best first."""

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse one resource; ValueError if it is not a server."""
        resource = raw if isinstance(raw, dict) else {}
        provides = resource.get("provides")
        identifier = usable_id(resource.get("clientIdentifier"))
        token = resource.get("accessToken")
        if not isinstance(provides, str) or "server" not in provides.split(","):
            raise ValueError("not a server")
        if identifier is None:
            raise ValueError("no clientIdentifier")
        if not (isinstance(token, str) and 0 < len(token) <= MAX_TOKEN) or not (
            token.isascii() and token.isprintable()  # A header cannot carry others.
        ):
            raise ValueError("no accessToken")
        return cls(
            name=clean_text(resource.get("name"), MAX_TITLE) or identifier,
            machine_identifier=identifier,
            owned=resource.get("owned") is True,
            access_token=token,
            urls=_urls(resource),
        )


def _urls(resource: dict[str, Any]) -> tuple[str, ...]:
    """Return the URLs of a server: local, remote, and through a relay.

    Plain http is used for local addresses only, because elsewhere others could read the
    token. Even there it comes last, because it does not authenticate the server.
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
    if not address.isascii():  # Others take long to convert.
        return []
    try:
        return [str(URL.build(scheme="http", host=address, port=port))]
    except ValueError:
        return []


class PlexAccount:
    """plex.tv, used by one client: a sign-in belongs to `client.identifier`."""

    def __init__(self, session: aiohttp.ClientSession, client: ClientInfo) -> None:
        """Initialize; sends nothing."""
        self._session = session
        self._client = client

    async def create_pin(self) -> Pin:
        """Start a sign-in (`POST /pins`)."""
        answer = await self._plex_tv(PLEX_TV_URL).post_json("/pins")
        try:
            return Pin.from_json(answer)
        except ValueError as err:
            raise PlexResponseError(str(err)) from err

    async def get_token(self, pin: Pin) -> str | None:
        """Return the account's token, None until the code was entered.

        Raises PlexPinExpiredError when the code has expired (`GET /pins/{id}`).
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
        """Return the account's token as soon as the code was entered.

        Raises PlexPinExpiredError when the code expires before that. Temporary failures
        do not end the wait.
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
        """Return the servers of an account, also shared ones (`GET /resources`).

        Raises PlexAuthenticationError when the account's token is no longer valid.
        """
        try:
            answer = await self._plex_tv(PLEX_TV_CLIENTS_URL, token).get_json(
                "/resources?includeHttps=1&includeRelay=1"
            )
        except PlexResponseError as err:
            if err.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise PlexAuthenticationError("HTTP status 422") from err
            raise
        if not isinstance(answer, list):
            raise PlexResponseError("no list of resources")
        servers = []
        for resource in answer[:MAX_SERVERS]:
            try:
                servers.append(AccountServer.from_json(resource))
            except ValueError:  # players and other devices
                continue
        return tuple(servers)

    def _plex_tv(self, url: URL, token: str | None = None) -> PlexConnection:
        return PlexConnection(self._session, url, token, self._client)
