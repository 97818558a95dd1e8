"""HTTP to one origin: headers, time-outs, size limit, and what goes wrong.

Follows https://developer.plex.tv/pms/ ("Authentication", "Request Headers").
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs
import orjson
from yarl import URL

from .direct import direct_address
from .errors import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHttpsRequiredError,
    PlexRedirectError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)

# A server deep in maintenance answers slowly, but it accepts connections at once.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
MAX_BYTES = 4 * 1024 * 1024
MAX_REDIRECTS = 3
# A ping goes out after so many seconds of silence; half as long later, with no answer,
# the peer is dead.
HEARTBEAT = 15.0
# Whoever goes says so, but does not wait for the other: it may have gone already.
NO_FAREWELL = aiohttp.ClientWSTimeout(ws_close=0)
MAX_FRAME = 1024 * 1024
# For so long after a setting was changed, by whomever, any request may be refused (400).
PAUSE = 0.5
# Redirects that do not turn a POST into a GET.
_SAME_METHOD = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
# No server is left alone for longer than this, whatever it asks for (seconds).
MAX_RETRY_AFTER = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientInfo:
    """How this client introduces itself to Plex."""

    identifier: str = "plex-butler"
    """Stable for one installation: Plex ties tokens and sessions to it."""
    product: str = "Butler for Plex"
    version: str = "0"
    device_name: str = "Butler for Plex"
    language: str = "en"
    """What the server should write titles and descriptions in."""

    def headers(self, token: str | None) -> dict[str, str]:
        """Return the headers of every request."""
        headers = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": self.identifier,
            "X-Plex-Product": self.product,
            "X-Plex-Version": self.version,
            "X-Plex-Device-Name": self.device_name,
            "X-Plex-Language": self.language,
        }
        if token:
            headers["X-Plex-Token"] = token
        return headers


class PlexConnection:
    """Requests to one origin; the token goes nowhere else.

    Every method raises PlexError, of the kind errors.py describes.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        token: str | None,
        client: ClientInfo,
    ) -> None:
        """Remember where to send what; nothing is sent yet.

        `url` is one of normalize_url: paths are put behind it as it is.
        """
        if token and not (token.isascii() and token.isprintable()):
            # A header cannot carry it, so no server can ever have issued it.
            raise PlexAuthenticationError("not a token")
        self.url = url
        self._session = session
        self._headers = client.headers(token)
        self._target = url
        self._server_hostname: str | None = None
        # Many routers refuse to look up a name that stands for an address at home, and
        # without the internet nobody can: this one says which address it is.
        self._address = direct_address(url.host)
        if self._address:
            self._target = url.with_host(self._address)
            self._server_hostname = url.host
            self._headers[hdrs.HOST] = url.host_port_subcomponent or ""
        self._base = str(self._target)

    async def get_json(self, path: str) -> object:
        """Return the decoded JSON that `GET path` answers with."""
        return await self._json(hdrs.METH_GET, path)

    async def post_json(self, path: str) -> object:
        """Return the decoded JSON that `POST path` answers with."""
        return await self._json(hdrs.METH_POST, path)

    async def send(self, method: str, path: str) -> int:
        """Return the success status (2xx) that `method path` is answered with."""
        return await self._request(method, path, _status)

    async def change(self, path: str) -> None:
        """Send `PUT path`, and wait until the server can be asked again."""
        await self.send(hdrs.METH_PUT, path)
        await asyncio.sleep(PAUSE)

    @asynccontextmanager
    async def websocket(
        self, path: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Yield the websocket at a path, for as long as it lasts."""
        # A handshake cannot be told not to follow redirects, but a session can.
        stay = aiohttp.TraceConfig()
        stay.on_request_redirect.append(_refuse_redirect)
        with self._translated():
            async with (
                aiohttp.ClientSession(
                    connector=self._session.connector,
                    connector_owner=False,
                    timeout=TIMEOUT,
                    trace_configs=[stay],
                ) as session,
                session.ws_connect(
                    URL(self._base + path, encoded=True),
                    headers=self._headers,
                    server_hostname=self._server_hostname,
                    heartbeat=HEARTBEAT,
                    timeout=NO_FAREWELL,
                    max_msg_size=MAX_FRAME,
                ) as websocket,
            ):
                yield websocket

    async def _json(self, method: str, path: str) -> object:
        body = await self._request(method, path, _read)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as err:
            raise PlexResponseError("not JSON") from err

    async def _request[T](
        self,
        method: str,
        path: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        """Return what `use` makes of a successful response; all else is a PlexError.

        One refusal that may have come from a setting being changed is tolerated.
        """
        try:
            return await self._try(method, path, use)
        except PlexResponseError as err:
            if err.status != HTTPStatus.BAD_REQUEST:
                raise
        await asyncio.sleep(PAUSE)
        return await self._try(method, path, use)

    async def _try[T](
        self,
        method: str,
        path: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        with self._translated():
            async with await self._follow(method, path) as response:
                if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                    # The body of an error is HTML and tells nothing.
                    raise _status_error(response.status, response.headers)
                return await use(response)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise what goes wrong as PlexError."""
        try:
            yield
        except aiohttp.ConnectionTimeoutError as err:
            raise PlexConnectionError("cannot connect in time") from err
        except TimeoutError as err:
            raise PlexTimeoutError("no answer in time") from err
        except aiohttp.ClientSSLError as err:
            raise PlexTlsError(str(err)) from err
        except aiohttp.ServerDisconnectedError as err:
            if self.url.scheme == "http":
                raise PlexHttpsRequiredError("closed without an answer") from err
            raise PlexConnectionError("closed without an answer") from err
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as err:
            raise PlexConnectionError(str(err)) from err
        # The rest hold the request with its headers: they are not to be chained.
        except aiohttp.WSServerHandshakeError as err:
            raise _status_error(err.status, err.headers or {}) from None
        except aiohttp.ClientError as err:
            raise PlexResponseError(f"not HTTP ({type(err).__name__})") from None

    async def _follow(self, method: str, path: str) -> aiohttp.ClientResponse:
        """Send the request, and again where the same origin points to itself."""
        url = URL(self._base + path, encoded=True)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._session.request(
                method,
                url,
                headers=self._headers,
                server_hostname=self._server_hostname,
                timeout=TIMEOUT,
                allow_redirects=False,
                raise_for_status=False,
            )
            target = response.headers.get(hdrs.LOCATION)
            if target is None or not _is_redirect(response.status):
                return response
            response.release()
            try:
                url = url.join(URL(target))
                elsewhere = url.origin() not in (
                    self._target.origin(),
                    self.url.origin(),
                )
            except (ValueError, IndexError) as err:  # the latter for "http://[]@"
                raise PlexRedirectError("redirected to no address") from err
            if elsewhere:
                raise PlexRedirectError("redirected to another address")
            if method != hdrs.METH_GET and response.status not in _SAME_METHOD:
                raise PlexRedirectError(f"redirected with status {response.status}")
            if self._address:  # Here, too, nobody need look up the name.
                url = url.with_host(self._address)
        raise PlexRedirectError("redirected too often")


async def _refuse_redirect(*_: object) -> None:
    raise PlexRedirectError("redirected to another address")


def _status_error(status: int, headers: Mapping[str, str]) -> PlexError:
    """Return what a status other than success means."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return PlexAuthenticationError("HTTP status 401")
        case HTTPStatus.FORBIDDEN:
            return PlexForbiddenError("HTTP status 403")
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return PlexBusyError(status, _retry_after(headers))
    return PlexResponseError(f"HTTP status {status}", status=status)


def _is_redirect(status: int) -> bool:
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, which holds a number or a date."""
    value = headers.get(hdrs.RETRY_AFTER, "")
    try:
        if value.isdecimal():
            seconds = float(value)
        else:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except ValueError, TypeError:
        return None
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None


async def _status(response: aiohttp.ClientResponse) -> int:
    """Return the status, whatever the body says, and however long it takes."""
    return response.status


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, giving up as soon as it is larger than any real answer."""
    chunks = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BYTES:
            raise PlexResponseError("larger than 4 MiB")
        chunks.append(chunk)
    return b"".join(chunks)
