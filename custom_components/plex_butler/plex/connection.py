"""HTTP requests to one origin: headers, time-outs, redirects and errors.

Follows https://developer.plex.tv/pms/ ("Authentication", "Request Headers").
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from types import SimpleNamespace
from weakref import finalize

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from .answers import decode_json, read_body, status_error
from .direct import direct_address
from .errors import (
    PlexAuthenticationError,
    PlexConnectionError,
    PlexHttpsRequiredError,
    PlexRedirectError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)

# A server that runs maintenance answers slowly, but it accepts connections at once.
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
MAX_REDIRECTS = 3
# Seconds of silence on a websocket before a ping is sent. If there is no answer after
# half of that time again, the connection is closed.
HEARTBEAT = 15.0
# Send a close frame, but do not wait for the reply.
NO_CLOSE_REPLY = aiohttp.ClientWSTimeout(ws_close=0)
MAX_FRAME = 1024 * 1024
# Seconds after a change of a setting in which any request may be refused (400).
PAUSE = 0.5
# The first digit of a status.
_SUCCESS = 2
_REDIRECT = 3
# A connection may be lost between a check and the request, but not again and again.
_MAX_CHECKS = 2
# Redirects that do not turn a POST into a GET.
_SAME_METHOD = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientInfo:
    """How this client identifies itself to Plex."""

    identifier: str = "plex-butler"
    """Stable for one installation: Plex ties tokens and sessions to it."""
    product: str = "Butler for Plex"
    version: str = "0"
    device_name: str = "Butler for Plex"
    language: str = "en"
    """The language of titles and descriptions."""

    def headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        return {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": self.identifier,
            "X-Plex-Product": self.product,
            "X-Plex-Version": self.version,
            # Some reverse proxies redirect requests without it.
            "X-Plex-Device": self.device_name,
            "X-Plex-Device-Name": self.device_name,
            "X-Plex-Language": self.language,
        }


class PlexConnection:
    """Requests to one origin; the token is sent to no other.

    Every method raises PlexError. Redirects are followed within the origin only.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        token: str | None,
        client: ClientInfo,
        *,
        fingerprint: str | None = None,
        check: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Initialize; sends nothing.

        `url` must come from normalize_url: paths are appended to it unchanged. With a
        fingerprint, https connections are made to the server with that certificate
        only (see Certificate), whether it is valid or not. `check` is called before a
        request is sent on a new connection, unless it is one without the token, and
        raises PlexError if it must not be sent.
        """
        self.url = url
        self.token = token
        self._ssl = not fingerprint or aiohttp.Fingerprint(bytes.fromhex(fingerprint))
        self._target = url
        self._server_hostname: str | None = None
        self._check = check
        self._has_answered = False
        # Many routers refuse to resolve a name that stands for a local address, and
        # without internet nothing resolves it. The name itself contains the address.
        self._address = direct_address(url.host)
        headers = session.headers.copy()
        headers.update(client.headers())
        if self._address:
            self._target = url.with_host(self._address)
            self._server_hostname = url.host
            headers[hdrs.HOST] = url.host_port_subcomponent or ""
        self._base = str(self._target)
        self._headers = headers
        self._connector = session.connector
        self._traces = session.trace_configs

    @property
    def token(self) -> str | None:
        """The token that is sent."""
        return self._token

    @token.setter
    def token(self, token: str | None) -> None:
        if token and not (token.isascii() and token.isprintable()):
            # A header cannot carry it, so no server can have issued it.
            raise PlexAuthenticationError("not a token")
        self._token = token
        self._token_headers = {"X-Plex-Token": token} if token else {}

    async def get(self, path: str, *, with_token: bool = True) -> bytes:
        """Return the body of the answer to `GET path`, of at most MAX_BYTES."""
        return (await self._request(hdrs.METH_GET, path, with_token=with_token))[1]

    async def get_json(self, path: str, *, with_token: bool = True) -> object:
        """Return the decoded JSON of the answer to `GET path`."""
        return decode_json(await self.get(path, with_token=with_token))

    async def post_json(self, path: str) -> object:
        """Return the decoded JSON of the answer to `POST path`."""
        return decode_json((await self._request(hdrs.METH_POST, path))[1])

    async def send(self, method: str, path: str) -> int:
        """Return the success status (2xx) of `method path`; its body is not read."""
        return (await self._request(method, path, with_body=False))[0]

    async def change(self, path: str) -> None:
        """Send `PUT path`, and wait until the server accepts requests again."""
        await self.send(hdrs.METH_PUT, path)
        await asyncio.sleep(PAUSE)

    @asynccontextmanager
    async def websocket(
        self, path: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open the websocket at a path, and close it at the end of the block."""
        with self._translate_errors():
            async with (
                self._open_session(_NO_REDIRECTS) as session,
                session.ws_connect(
                    URL(self._base + path, encoded=True),
                    headers=self._token_headers,
                    server_hostname=self._server_hostname,
                    ssl=self._ssl,
                    heartbeat=HEARTBEAT,
                    timeout=NO_CLOSE_REPLY,
                    max_msg_size=MAX_FRAME,
                ) as websocket,
            ):
                self._has_answered = True
                yield websocket

    async def _request(
        self,
        method: str,
        path: str,
        *,
        with_token: bool = True,
        with_body: bool = True,
    ) -> tuple[int, bytes]:
        """Return status and body of a successful answer.

        A refusal (400) may be due to a setting that was just changed, so the request is
        sent once more.
        """
        with self._translate_errors():
            response = await self._follow(method, path, with_token=with_token)
            if response.status == HTTPStatus.BAD_REQUEST:
                response.release()
                await asyncio.sleep(PAUSE)
                response = await self._follow(method, path, with_token=with_token)
            async with response:
                if response.status // 100 != _SUCCESS:
                    # The body of an error is HTML without any information.
                    raise status_error(response.status, response.headers)
                return response.status, await read_body(response) if with_body else b""

    async def _follow(
        self, method: str, path: str, *, with_token: bool
    ) -> aiohttp.ClientResponse:
        """Send a request, follow redirects within the origin, and return the answer."""
        url = URL(self._base + path, encoded=True)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._send(method, url, with_token=with_token)
            self._has_answered = True
            target = response.headers.get(hdrs.LOCATION)
            if target is None or response.status // 100 != _REDIRECT:
                return response
            response.release()
            url = self._redirected(url, target)
            if method != hdrs.METH_GET and response.status not in _SAME_METHOD:
                raise PlexRedirectError(f"redirected with status {response.status}")
        raise PlexRedirectError("redirected too often")

    async def _send(
        self, method: str, url: URL, *, with_token: bool
    ) -> aiohttp.ClientResponse:
        """Send a request and return the answer, which may be a redirect.

        A connection that was kept open may be dead: the request is sent again, until
        the connection is a new one. Before a new one, the server is checked; again if
        the connection is lost on which it was.
        """
        check = self._check if with_token else None
        attempt = _Attempt(needs_check=check is not None)
        while True:
            try:
                return await self._session.request(
                    method,
                    url,
                    headers=self._token_headers if with_token else {},
                    server_hostname=self._server_hostname,
                    ssl=self._ssl,
                    allow_redirects=False,
                    trace_request_ctx=attempt,
                )
            except _NotConnectedError:
                if check is None or attempt.checks == _MAX_CHECKS:
                    raise aiohttp.ServerDisconnectedError from None
                await check()
                attempt.checks += 1
                attempt.is_checked = True
            except aiohttp.ClientOSError, aiohttp.ServerDisconnectedError:
                if attempt.is_connection_new:
                    raise

    def _redirected(self, url: URL, target: str) -> URL:
        """Return the URL of a redirect, which must be on the same origin."""
        try:
            url = url.join(URL(target))
            origin = url.origin()
        except (ValueError, IndexError) as err:  # the latter for "http://[]@"
            raise PlexRedirectError("redirected to no address") from err
        if origin not in (self._target.origin(), self.url.origin()):
            raise PlexRedirectError("redirected to another address")
        return url.with_host(self._address) if self._address else url

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        """The session of all requests, because opening one takes time."""
        session = self._open_session(_CONNECTIONS)
        # It has nothing to close, but would warn if it were dropped without this.
        finalize(self, session.detach)
        return session

    def _open_session(self, trace: aiohttp.TraceConfig) -> aiohttp.ClientSession:
        """Return a session on the connector of the given session.

        It neither stores nor sends cookies: the given session may be shared.
        """
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=TIMEOUT,
            trace_configs=[*self._traces, trace],
        )

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise every failure as PlexError."""
        try:
            yield
        except aiohttp.ConnectionTimeoutError as err:
            raise PlexConnectionError("cannot connect in time") from err
        except TimeoutError as err:
            raise PlexTimeoutError("no answer in time") from err
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch) as err:
            other = isinstance(err, aiohttp.ServerFingerprintMismatch)
            raise PlexTlsError("another certificate" if other else str(err)) from err
        except aiohttp.ServerDisconnectedError as err:
            if self.url.scheme == "http" and not self._has_answered:
                raise PlexHttpsRequiredError("closed without an answer") from err
            raise PlexConnectionError("closed without an answer") from err
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as err:
            if isinstance(err.__cause__, ContentEncodingError):
                raise PlexResponseError("cannot be decompressed") from err
            raise PlexConnectionError(str(err)) from err
        # The others contain the request with its headers, so they are not chained.
        except aiohttp.WSServerHandshakeError as err:
            raise status_error(err.status, err.headers or {}) from None
        except aiohttp.ClientError as err:
            raise PlexResponseError(f"not HTTP ({type(err).__name__})") from None


class _NotConnectedError(Exception):
    """No connection is open, and none may be made before the server is checked."""


@dataclass(slots=True)
class _Attempt:
    """A request that may be sent more than once."""

    needs_check: bool
    checks: int = 0
    is_checked: bool = False
    """Whether the server was checked, and no connection was used since."""
    is_connection_new: bool = False


async def _before_connecting(
    _session: object, context: SimpleNamespace, _params: object
) -> None:
    attempt: _Attempt = context.trace_request_ctx
    if attempt.needs_check and not attempt.is_checked:
        raise _NotConnectedError
    attempt.is_checked = False
    attempt.is_connection_new = True


async def _before_reusing(
    _session: object, context: SimpleNamespace, _params: object
) -> None:
    context.trace_request_ctx.is_checked = False


async def _refuse_redirect(*_: object) -> None:
    raise PlexRedirectError("redirected to another address")


_CONNECTIONS = aiohttp.TraceConfig()
_CONNECTIONS.on_connection_create_start.append(_before_connecting)
_CONNECTIONS.on_connection_reuseconn.append(_before_reusing)
# A websocket handshake has no option that keeps it from following redirects.
_NO_REDIRECTS = aiohttp.TraceConfig()
_NO_REDIRECTS.on_request_redirect.append(_refuse_redirect)
