"""A Plex Media Server and its Butler, one short method a call.

Follows https://developer.plex.tv/pms/ (operations get_butler_tasks, start_task,
stop_task, start_all_tasks, stop_all_tasks, and those of the preferences). Every call
raises PlexError.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
import logging
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from yarl import URL

from .connection import ClientInfo, PlexConnection
from .errors import (
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
)
from .url import normalize_url

_LOGGER = logging.getLogger(__name__)

# Servers list about 25 tasks; far more is not a list of tasks.
MAX_TASKS = 256
# And about 160 settings.
MAX_SETTINGS = 2048


class PlexServer:
    """One Plex Media Server.

    `url` may be what a user types (see normalize_url); `token` may be left out for a
    server that nobody has claimed. Raises PlexUrlError and PlexAuthenticationError for
    an address or token that cannot be one.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: str | None = None,
        *,
        client: ClientInfo | None = None,
    ) -> None:
        """Remember how to reach the server; nothing is sent yet."""
        base, client = normalize_url(url), client or ClientInfo()
        self._connection = PlexConnection(session, base, token, client)
        # A server that has yet to say who it is gets no token.
        self._public = PlexConnection(session, base, None, client)
        self._odd_tasks = 0

    @property
    def url(self) -> URL:
        """The base URL of the server, without a trailing slash in its path."""
        return self._connection.url

    async def get_identity(self, wanted: str | None = None) -> ServerIdentity:
        """Return who answers; asked without the token (`GET /identity`).

        Raises PlexWrongServerError unless it is the server with the wanted
        machineIdentifier.
        """
        identity = _parse(
            _member(await self._public.get_json("/identity"), "MediaContainer"),
            ServerIdentity.from_json,
        )
        if wanted not in (None, identity.machine_identifier):
            raise PlexWrongServerError("another server answers")
        return identity

    async def get_name(self) -> str:
        """Return the name the owner gave the server, or "" (`GET /`)."""
        name = (await self._container("/")).get("friendlyName")
        return name[:MAX_TITLE] if isinstance(name, str) else ""

    async def get_butler_tasks(self) -> tuple[ButlerTask, ...]:
        """Return the tasks this server has (`GET /butler`, for its owner only).

        A task that cannot be understood is left out, and logged once.
        """
        answer = await self._connection.get_json("/butler")
        tasks, odd = _parse_list(
            _member(answer, "ButlerTasks"), "ButlerTask", ButlerTask.from_json
        )
        if odd > self._odd_tasks:
            _LOGGER.warning("%d Butler tasks of the server are not understood", odd)
        self._odd_tasks = odd
        return tasks

    async def get_activities(self) -> tuple[Activity, ...]:
        """Return what the server is doing right now (`GET /activities`)."""
        container = await self._container("/activities")
        return _parse_list(container, "Activity", Activity.from_json)[0]

    async def start_task(self, name: str) -> StartResult:
        """Start one task (`POST /butler/{name}`).

        Raises PlexUnknownTaskError when the server has no such task.
        """
        try:
            status = await self._connection.send(hdrs.METH_POST, _task_path(name))
        except PlexResponseError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                raise PlexUnknownTaskError(name) from err
            raise
        if status == HTTPStatus.ACCEPTED:
            return StartResult.ALREADY_RUNNING
        return StartResult.STARTED

    async def stop_task(self, name: str) -> StopResult:
        """Stop one task, or take it off the queue (`DELETE /butler/{name}`).

        It finishes the item it is working on first. The server answers alike for a
        task that does not run and one it does not have: both are NOT_RUNNING.
        """
        try:
            await self._connection.send(hdrs.METH_DELETE, _task_path(name))
        except PlexResponseError as err:
            if err.status == HTTPStatus.NOT_FOUND:
                return StopResult.NOT_RUNNING
            raise
        return StopResult.STOPPED

    async def start_all_tasks(self) -> None:
        """Start every enabled task that is due (`POST /butler`).

        Inside the maintenance window, tasks with a randomised schedule are only put
        off to a random moment of it.
        """
        await self._connection.send(hdrs.METH_POST, "/butler")

    async def stop_all_tasks(self) -> None:
        """Stop what runs and empty the queue (`DELETE /butler`)."""
        await self._connection.send(hdrs.METH_DELETE, "/butler")

    async def get_settings(self) -> tuple[Setting, ...]:
        """Return all settings of the server (`GET /:/prefs`, about 60 kB)."""
        container = await self._container("/:/prefs")
        return _parse_list(container, "Setting", Setting.from_json, MAX_SETTINGS)[0]

    async def set_setting(self, setting_id: str, value: SettingValue) -> None:
        """Change one setting (see set_settings)."""
        await self.set_settings({setting_id: value})

    async def set_settings(self, values: Mapping[str, SettingValue]) -> None:
        """Change settings, by their ids, in one request (`PUT /:/prefs`).

        Returns when the server can be asked for them again. Raises PlexSettingError
        when it has no such setting or does not take the value.
        """
        query = "&".join(
            f"{_quote(setting_id)}={_quote(_parameter(value))}"
            for setting_id, value in values.items()
        )
        try:
            await self._connection.change(f"/:/prefs?{query}")
        except PlexForbiddenError as err:
            # That is how an unknown setting is refused, too. Who may read the tasks
            # owns the server.
            await self._connection.get_json("/butler")
            raise PlexSettingError(", ".join(values)) from err
        except PlexResponseError as err:
            if err.status == HTTPStatus.BAD_REQUEST:
                raise PlexSettingError(", ".join(values)) from err
            raise

    def notifications(
        self,
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """Return the websocket on which the server tells what changes.

        See events.py for what comes out of it.
        """
        return self._connection.websocket(
            "/:/websockets/notifications?filters=activity,preference"
        )

    async def _container(self, path: str) -> dict[str, Any]:
        return _member(await self._connection.get_json(path), "MediaContainer")


def _task_path(name: str) -> str:
    """Return the path of a task, which no name can make a path of something else."""
    if name in ("", ".", ".."):
        raise PlexUnknownTaskError(name)
    return f"/butler/{_quote(name)}"


def _quote(text: str) -> str:
    """Return a text that stands for nothing but itself in a URL."""
    return quote(text, safe="", errors="surrogatepass")


def _parameter(value: SettingValue) -> str:
    """Return a value as Plex takes it: a boolean is 0 or 1."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _member(answer: object, key: str) -> dict[str, Any]:
    """Return the object every answer of Plex is wrapped in."""
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
    """Return the good elements of a list, and how many there were no sense in.

    An empty list may be missing altogether.
    """
    elements = container.get(key, [])
    if not isinstance(elements, list) or len(elements) > limit:
        raise PlexResponseError(f"no list of {key}")
    good = []
    for element in elements:
        try:
            good.append(from_json(element))
        except ValueError:
            continue
    return tuple(good), len(elements) - len(good)
