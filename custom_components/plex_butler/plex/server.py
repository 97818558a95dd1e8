"""Client of a Plex Media Server and its Butler.

Follows https://developer.plex.tv/pms/ (operations get_butler_tasks, start_task,
stop_task, start_all_tasks, stop_all_tasks, and those of the preferences). Every call
raises PlexError.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
import logging
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from yarl import URL

from .answers import decode_json
from .connection import ClientInfo, PlexConnection
from .errors import (
    PlexAuthenticationError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexSettingError,
    PlexUnknownTaskError,
    PlexWrongServerError,
)
from .models import (
    MAX_TITLE,
    Activity,
    ButlerTask,
    ServerIdentity,
    Setting,
    SettingValue,
    StartResult,
    StopResult,
    clean_text,
)
from .url import normalize_url

_LOGGER = logging.getLogger(__name__)

# Servers have about 25 tasks and 160 settings; a much longer list is not a real one.
MAX_TASKS = 256
MAX_SETTINGS = 2048
# Clients and media can cause any number of activities, among which are the Butler's.
MAX_ACTIVITIES = 16384


class PlexServer:
    """One Plex Media Server.

    `url` may be what a user types (see normalize_url); `token` may be omitted for a
    server that is not linked to a Plex account. With `machine_identifier`, the token is
    sent only to the server with that identifier, and PlexWrongServerError is raised
    when another one answers. With `fingerprint`, it is sent only to the server with that
    certificate. `renew_token` is called when the server refuses the token; if it returns
    another one, the request is sent once more with it.

    Raises PlexUrlError and PlexAuthenticationError for an invalid address or token.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str | None = None,
        *,
        machine_identifier: str | None = None,
        fingerprint: str | None = None,
        client: ClientInfo | None = None,
        renew_token: Callable[[], Awaitable[str | None]] | None = None,
    ) -> None:
        """Initialize; sends nothing."""
        self.identity: ServerIdentity | None = None
        """The identity that was checked last."""
        self.answers: Counter[str] = Counter()
        """How often each request to start or stop had each answer."""
        self._connection = PlexConnection(
            session,
            normalize_url(url),
            token,
            client or ClientInfo(),
            fingerprint=fingerprint,
            check=self.get_identity if machine_identifier is not None else None,
        )
        self._machine_identifier = machine_identifier
        self._renew_token = renew_token
        self._renewal = asyncio.Lock()
        # Whether the identity was checked, and no request failed since.
        self._checked = False
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self._skipped_tasks = 0
        # The last list of tasks, and what it was parsed from.
        self._tasks_body: bytes | None = None
        self._tasks: tuple[ButlerTask, ...] = ()

    @property
    def url(self) -> URL:
        """The base URL of the server, without a trailing slash in its path."""
        return self._connection.url

    async def get_identity(self) -> ServerIdentity:
        """Return and check the identity, without the token (`GET /identity`).

        Raises PlexWrongServerError when it is not the expected one.
        """
        self._checked = False
        try:
            answer = await self._connection.get_json("/identity", with_token=False)
        except (PlexAuthenticationError, PlexForbiddenError) as err:
            # No token was sent: a proxy refuses the request, or it is not Plex.
            raise PlexResponseError(str(err), status=HTTPStatus.FORBIDDEN) from err
        identity = _parse(_member(answer, "MediaContainer"), ServerIdentity.from_json)
        if self._machine_identifier not in (None, identity.machine_identifier):
            raise PlexWrongServerError("another server answers")
        self.identity = identity
        self._checked = True
        return identity

    async def get_name(self) -> str:
        """Return the name of the server, or "" (`GET /`)."""
        container = await self._get_container("/")
        return clean_text(container.get("friendlyName"), MAX_TITLE)

    async def get_butler_tasks(self) -> tuple[ButlerTask, ...]:
        """Return the tasks of the server (`GET /butler`, for its owner only).

        Tasks that cannot be parsed are skipped, and logged once. The server is always
        asked, but an answer with the same bytes as the last one is not parsed again.
        """
        return await self._call(self._read_tasks)

    async def get_activities(self) -> tuple[Activity, ...]:
        """Return the current activities of the server (`GET /activities`)."""
        container = await self._get_container("/activities")
        return _parse_list(container, "Activity", Activity.from_json, MAX_ACTIVITIES)[0]

    async def start_task(self, name: str) -> StartResult:
        """Start one task (`POST /butler/{name}`).

        Raises PlexUnknownTaskError when the server has no such task.
        """
        try:
            status = await self._send(hdrs.METH_POST, _task_path(name))
        except PlexResponseError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                raise PlexUnknownTaskError(name) from err
            raise
        if status == HTTPStatus.ACCEPTED:
            return StartResult.ALREADY_RUNNING
        return StartResult.STARTED

    async def stop_task(self, name: str) -> StopResult:
        """Stop one task, or remove it from the queue (`DELETE /butler/{name}`).

        It finishes the item in work first. The answer for a task that is not running is
        the same as for one that does not exist: both are NOT_RUNNING.
        """
        try:
            await self._send(hdrs.METH_DELETE, _task_path(name))
        except PlexResponseError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                return StopResult.NOT_RUNNING
            raise
        return StopResult.STOPPED

    async def start_all_tasks(self) -> None:
        """Start every enabled task that is due (`POST /butler`).

        Inside the maintenance window, the server only schedules tasks with a randomized
        schedule for a random moment of the window.
        """
        await self._send(hdrs.METH_POST, "/butler")

    async def stop_all_tasks(self) -> None:
        """Stop all running tasks and empty the queue (`DELETE /butler`)."""
        await self._send(hdrs.METH_DELETE, "/butler")

    async def get_settings(self) -> tuple[Setting, ...]:
        """Return all settings of the server (`GET /:/prefs`, about 60 kB)."""
        container = await self._get_container("/:/prefs")
        return _parse_list(container, "Setting", Setting.from_json, MAX_SETTINGS)[0]

    async def set_settings(self, values: Mapping[str, SettingValue]) -> None:
        """Change settings, given by their ids, in one request (`PUT /:/prefs`).

        Returns when the settings can be read again. Raises PlexSettingError when the
        server has no such setting or refuses the value.
        """
        query = "&".join(
            f"{_quote(setting_id)}={_quote(_parameter(value))}"
            for setting_id, value in values.items()
        )
        try:
            await self._call(lambda connection: connection.change(f"/:/prefs?{query}"))
        except PlexForbiddenError as err:
            # An unknown setting may be refused like this, too. This request succeeds
            # only for the owner of the server.
            await self.get_butler_tasks()
            raise PlexSettingError(", ".join(values)) from err
        except PlexResponseError as err:
            if err.status == HTTPStatus.BAD_REQUEST:
                raise PlexSettingError(", ".join(values)) from err
            raise

    @asynccontextmanager
    async def notifications(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open the websocket with push events (see events.py)."""
        self._checked = False  # It makes a new connection.
        async with (
            self._trusted_connection() as connection,
            connection.websocket(
                "/:/websockets/notifications?filters=activity,preference"
            ) as websocket,
        ):
            self._websocket = websocket
            yield websocket

    @property
    def _is_websocket_open(self) -> bool:
        # A lost connection has no peer, also if nothing was read from it since.
        return bool(self._websocket and self._websocket.get_extra_info("peername"))

    @asynccontextmanager
    async def _trusted_connection(self) -> AsyncIterator[PlexConnection]:
        """Check the identity of the server before a request with the token.

        No check is needed on a connection that was kept open while a websocket is,
        because its server was checked, unless a request has failed since.
        """
        if self._machine_identifier is None:
            yield self._connection
            return
        try:
            if not (self._checked and self._is_websocket_open):
                await self.get_identity()
            yield self._connection
        except PlexError as err:
            self._checked = False
            if isinstance(err, PlexAuthenticationError | PlexForbiddenError):
                # Only the right server can judge the token.
                await self.get_identity()
            raise

    async def _call[T](self, request: Callable[[PlexConnection], Awaitable[T]]) -> T:
        """Send a request; once more if there is a new token for a refused one."""
        refused = self._connection.token
        try:
            async with self._trusted_connection() as connection:
                return await request(connection)
        except PlexAuthenticationError:
            if not await self._replace(refused):
                raise
        async with self._trusted_connection() as connection:
            return await request(connection)

    async def _replace(self, refused: str | None) -> bool:
        """Replace a refused token, unless another request has done so meanwhile."""
        async with self._renewal:
            if self._connection.token == refused:
                if not self._renew_token or not (token := await self._renew_token()):
                    return False
                self._connection.token = token
            return True

    async def _read_tasks(self, connection: PlexConnection) -> tuple[ButlerTask, ...]:
        body = await connection.get("/butler")
        if body != self._tasks_body:
            self._tasks, skipped = _parse_list(
                _member(decode_json(body), "ButlerTasks"),
                "ButlerTask",
                ButlerTask.from_json,
            )
            self._tasks_body = body
            if skipped > self._skipped_tasks:
                _LOGGER.warning("%d Butler tasks could not be parsed", skipped)
            self._skipped_tasks = skipped
        return self._tasks

    async def _get_container(self, path: str) -> dict[str, Any]:
        """Return an answer that is not about the tasks.

        Only requests about the tasks tell whether the token is refused.
        """
        async with self._trusted_connection() as connection:
            return _member(await connection.get_json(path), "MediaContainer")

    async def _send(self, method: str, path: str) -> int:
        answer: int | str = "none"
        try:
            answer = await self._call(lambda connection: connection.send(method, path))
        except PlexError as err:
            answer = getattr(err, "status", None) or type(err).__name__
            raise
        else:
            return answer
        finally:
            request = "all tasks" if path == "/butler" else "one task"
            self.answers[f"{method} {request}: {answer}"] += 1


def _task_path(name: str) -> str:
    """Return the path of a task; no name leads to a path outside of /butler/."""
    if name in ("", ".", ".."):
        raise PlexUnknownTaskError(name)
    return f"/butler/{_quote(name)}"


def _quote(text: str) -> str:
    """Return a text with every special character of URLs escaped."""
    return quote(text, safe="", errors="surrogatepass")


def _parameter(value: SettingValue) -> str:
    """Return a value as Plex expects it: a boolean is 0 or 1."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _member(answer: object, key: str) -> dict[str, Any]:
    """Return the object that wraps the content of an answer."""
    member = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(member, dict):
        raise PlexResponseError(f"no {key}")
    return member


def _parse[T](raw: object, from_json: Callable[[object], T]) -> T:
    try:
        return from_json(raw)
    except ValueError as err:
        raise PlexResponseError(str(err)) from err


def _parse_list[T](
    container: dict[str, Any],
    key: str,
    from_json: Callable[[object], T],
    limit: int = MAX_TASKS,
) -> tuple[tuple[T, ...], int]:
    """Return the elements of a list, and the number that could not be parsed.

    An empty list may be missing.
    """
    elements = container.get(key, [])
    if not isinstance(elements, list) or len(elements) > limit:
        raise PlexResponseError(f"no list of {key}")
    parsed = []
    for element in elements:
        try:
            parsed.append(from_json(element))
        except ValueError:
            continue
    return tuple(parsed), len(elements) - len(parsed)
