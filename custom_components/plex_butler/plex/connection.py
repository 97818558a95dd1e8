"""HTTP to one origin: headers, time-outs, size limit, and what goes wrong.

Follows https://developer.plex.tv/pms/ ("Authentication", "Request Headers").
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs
import orjson
from yarl import URL

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
        """Remember where to send what; nothing is sent yet."""
        if token and not (token.isascii() and token.isprintable()):
            # A header cannot carry it, so no server can ever have issued it.
            raise PlexAuthenticationError("not a token")
        self.url = url
        self._base = str(url).rstrip("/")
        self._session = session
        self._headers = client.headers(token)

    async def get_json(self, path: str) -> object:
        """Return the decoded JSON that `GET path` answers with."""
        body = await self._request(hdrs.METH_GET, path, _read)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as err:
            raise PlexResponseError("not JSON") from err

    async def send(self, method: str, path: str) -> int:
        """Return the success status (2xx) that `method path` is answered with."""
        return await self._request(method, path, _status)

    async def _request[T](
        self,
        method: str,
        path: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        """Return what `use` makes of a successful response; all else is a PlexError."""
        try:
            async with await self._follow(method, path) as response:
                _raise_for_status(response)
                return await use(response)
        except PlexError:
            raise
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
        except aiohttp.ClientError as err:
            # These hold the request with its headers: not to be chained.
            raise PlexResponseError(f"not HTTP ({type(err).__name__})") from None

    async def _follow(self, method: str, path: str) -> aiohttp.ClientResponse:
        """Send the request, and again where the same origin points to itself."""
        url = URL(self._base + path, encoded=True)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._session.request(
                method,
                url,
                headers=self._headers,
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
                elsewhere = url.origin() != self.url.origin()
            except (ValueError, IndexError) as err:  # the latter for "http://[]@"
                raise PlexRedirectError("redirected to no address") from err
            if elsewhere:
                raise PlexRedirectError("redirected to another address")
            if method != hdrs.METH_GET and response.status not in _SAME_METHOD:
                raise PlexRedirectError(f"redirected with status {response.status}")
        raise PlexRedirectError("redirected too often")


def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    """Raise what a status means; the body of an error is HTML and tells nothing."""
    match response.status:
        case status if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        case HTTPStatus.UNAUTHORIZED:
            raise PlexAuthenticationError("HTTP status 401")
        case HTTPStatus.FORBIDDEN:
            raise PlexForbiddenError("HTTP status 403")
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE as status:
            raise PlexBusyError(status, _retry_after(response.headers))
        case status:
            raise PlexResponseError(f"HTTP status {status}", status=status)


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
