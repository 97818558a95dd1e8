"""The notifications websocket: what the server tells those who listen.

Where nobody knows what Plex does, this is the simulator's choice: a Butler activity
starts without a subtitle, is updated when it gets one, and keeps that of the last task
when all is done; one change ends activities before it updates and starts others; the
frames carry no ``Context``; the server never pings by itself, offers no compression and
answers a plain GET with 400.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
import json
from typing import Any

from aiohttp import WSMsgType, web

from .recording import Pulse, RecordedRequest

NOTIFICATIONS = "/:/websockets/notifications"

ENDINGS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


def frame(kind: str, key: str, rows: list[dict[str, Any]]) -> str:
    """Return the text of a frame of one kind, with its rows under their key."""
    container = {"type": kind, "size": len(rows), key: rows}
    return json.dumps({"NotificationContainer": container})


class ActivityFeed:
    """Tells what becomes of activities, from looks at them after each change."""

    def __init__(
        self,
        activities: Callable[[], Iterable[dict[str, Any]]],
        tell: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._activities = activities
        self._tell = tell
        self._seen: dict[str, dict[str, Any]] = {}

    def look(self) -> None:
        """Tell what started, changed or ended since the last look."""
        before = self._seen
        self._seen = {item["uuid"]: _shown(item) for item in self._activities()}
        for uuid, activity in before.items():
            if uuid not in self._seen:
                self._tell("ended", activity)
        for uuid, activity in self._seen.items():
            if uuid not in before:
                self._tell("started", activity)
            elif activity != before[uuid]:
                self._tell("updated", activity)


def _shown(activity: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in activity.items() if key != "Context"}


@dataclass(slots=True, eq=False)
class _Socket:
    websocket: web.WebSocketResponse
    transport: asyncio.Transport | None
    kinds: frozenset[str]
    """The kinds of frames it asked for; none are all."""
    frames: asyncio.Queue[str | bytes] = field(default_factory=asyncio.Queue)

    async def write(self, data: str | bytes) -> None:
        if isinstance(data, str):
            await self.websocket.send_str(data)
        else:
            await self.websocket.send_bytes(data)


class Notifications:
    """The open websockets and what is sent to them."""

    def __init__(self) -> None:
        self._sockets: set[_Socket] = set()
        self._changed = Pulse()
        self._hearing = asyncio.Event()
        self._hearing.set()

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def deaf(self) -> bool:
        """Whether everybody's connection stays open with nothing coming through."""
        return not self._hearing.is_set()

    @deaf.setter
    def deaf(self, deaf: bool) -> None:
        if deaf:
            self._hearing.clear()
        else:
            self._hearing.set()

    def send(self, data: str | bytes, kind: str | None = None) -> None:
        """Send a frame to everybody who asked for its kind, or to just everybody."""
        # Queued here and now, and written later, so that nothing is missed however
        # short what it tells of.
        for socket in self._sockets:
            if kind is None or not socket.kinds or kind in socket.kinds:
                socket.frames.put_nowait(data)

    def announce(self, event: str, activity: dict[str, Any]) -> None:
        """Tell what became of an activity."""
        row = {"event": event, "uuid": activity.get("uuid"), "Activity": activity}
        self.send(frame("activity", "ActivityNotification", [row]), "activity")

    def kick(self) -> int:
        """Drop every connection without a word; return how many those were."""
        kicked = list(self._sockets)
        # Not left to the handlers' end, so that whoever waits for the next connection
        # does not take an old one for it.
        self._sockets.clear()
        self._changed.beat()
        for socket in kicked:
            if socket.transport is not None:
                socket.transport.abort()
        return len(kicked)

    async def wait_for(self, count: int) -> None:
        """Return as soon as so many websockets are open, no more and no fewer."""
        while len(self._sockets) != count:
            await self._changed.wait()

    async def serve(
        self, request: web.BaseRequest, recorded: RecordedRequest
    ) -> web.StreamResponse:
        """Open a websocket and keep it until either side ends it."""
        # Pings and the end are answered by hand: not at all while deaf.
        websocket = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False
        )
        await websocket.prepare(request)
        kinds = recorded.parameter("filters") or ""
        socket = _Socket(
            websocket, request.transport, frozenset(filter(None, kinds.split(",")))
        )
        self._sockets.add(socket)
        self._changed.beat()
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(socket))
                await self._read(socket)
                writer.cancel()
        finally:
            self._sockets.discard(socket)
            self._changed.beat()
        return websocket

    async def _read(self, socket: _Socket) -> None:
        with suppress(ConnectionError):
            while (message := await socket.websocket.receive()).type not in ENDINGS:
                await self._hearing.wait()
                if message.type is WSMsgType.PING:
                    await socket.websocket.pong(message.data)
        await self._hearing.wait()

    async def _write(self, socket: _Socket) -> None:
        with suppress(ConnectionError):
            while True:
                data = await socket.frames.get()
                await self._hearing.wait()
                await socket.write(data)
