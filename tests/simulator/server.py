"""The stand-in server on the network, and the controls a test needs."""

from collections.abc import Iterable, Mapping
import json
from typing import Any, override

from aiohttp import web

from .default_settings import default_settings
from .fault_answers import as_response
from .faults import ALTERING, Fault, Play
from .http_server import HttpServer
from .media_server import MediaServer
from .notifications import NOTIFICATIONS, ActivityFeed, Notifications, frame
from .recording import Pulse, RecordedRequest
from .rendering import error_page
from .settings import SimulatedSetting
from .tasks import SimulatedTask, default_tasks

TOKEN = "owner-token-of-the-simulator"
MACHINE_IDENTIFIER = "5133a1c0de5133a1c0de5133a1c0de5133a1c0de"


class PlexSimulator(MediaServer, HttpServer):
    """A simulated Plex Media Server on 127.0.0.1."""

    def __init__(
        self,
        *,
        port: int = 0,
        name: str = "Media Server",
        machine_identifier: str = MACHINE_IDENTIFIER,
        token: str | None = TOKEN,
        version: str = "1.43.4.10903-e5521bd8c",
        tasks: Mapping[str, SimulatedTask] | Iterable[SimulatedTask] | None = None,
        settings: Mapping[str, SimulatedSetting] | None = None,
    ) -> None:
        """Prepare a server.

        Port 0 takes a free one; no tasks and no settings are the default ones.
        """
        MediaServer.__init__(
            self,
            name=name,
            machine_identifier=machine_identifier,
            token=token,
            version=version,
            tasks=_by_name(tasks),
            settings=default_settings() if settings is None else settings,
        )
        HttpServer.__init__(self, port)
        self.websocket_refusal: int | None = None
        """The status a websocket is refused with, as where a proxy knows none."""
        self._notifications = Notifications()
        self._changed = Pulse()
        feed = ActivityFeed(lambda: self.run_activities, self._notifications.announce)
        self.butler.listeners += [feed.look, self._changed.beat]
        self.settings.listeners.append(
            lambda rows: self.notify("preference", "Setting", rows)
        )

    @override
    async def stop(self) -> None:
        """Go off the network at once; every connection and every run ends."""
        await super().stop()
        # Only now can no request start a task any more.
        self.butler.close()

    async def wait_idle(self) -> None:
        """Return as soon as no task runs or is about to.

        Runs and stops take their time on the event loop's clock. Where a test froze
        that, only its ticks let them end.
        """
        while not self.butler.idle:
            await self._changed.wait()

    @property
    def sockets(self) -> int:
        """How many websockets are open."""
        return len(self._notifications)

    @property
    def deaf(self) -> bool:
        """Whether websockets stay open, but neither say nor answer anything.

        What was to be said meanwhile is said afterwards.
        """
        return self._notifications.deaf

    @deaf.setter
    def deaf(self, deaf: bool) -> None:
        self._notifications.deaf = deaf

    async def wait_for_sockets(self, count: int) -> None:
        """Return as soon as so many websockets are open, no more and no fewer."""
        await self._notifications.wait_for(count)

    def kick(self) -> int:
        """Drop every websocket without a word; return how many those were."""
        return self._notifications.kick()

    def notify(self, kind: str, key: str, rows: list[dict[str, Any]]) -> None:
        """Send rows of one kind to every websocket whose filters let them through."""
        self._notifications.send(frame(kind, key, rows), kind)

    def announce(self, event: str, activity: dict[str, Any]) -> None:
        """Tell what became of an activity, the Butler's or not."""
        self._notifications.announce(event, activity)

    def send_frame(self, data: str | bytes | dict[str, Any]) -> None:
        """Send just this to every websocket, whatever its filters; a dict as JSON."""
        self._notifications.send(json.dumps(data) if isinstance(data, dict) else data)

    @override
    def control(self, method: str, name: str) -> dict[str, Any] | None:
        if (method, name) == ("POST", "kick"):
            return {"kicked": self.kick()}
        return None

    @override
    def _fault(self, recorded: RecordedRequest) -> Fault | Play | None:
        fault = super()._fault(recorded)
        if recorded.raw_path == NOTIFICATIONS and fault in ALTERING:
            return None
        return fault

    @override
    async def _respond(
        self, request: web.BaseRequest, recorded: RecordedRequest, path: str
    ) -> web.StreamResponse:
        if (recorded.method, path) != ("GET", NOTIFICATIONS):
            return await super()._respond(request, recorded, path)
        if self.websocket_refusal is not None:
            return as_response(error_page(self.websocket_refusal))
        if not self.is_owner(recorded):
            # Of a shared token too, and whatever `shared_status` says of other paths.
            return as_response(error_page(401))
        if not web.WebSocketResponse().can_prepare(request):
            return as_response(error_page(400))
        return await self._notifications.serve(request, recorded)


def _by_name(
    tasks: Mapping[str, SimulatedTask] | Iterable[SimulatedTask] | None,
) -> dict[str, SimulatedTask]:
    if tasks is None:
        return default_tasks()
    if isinstance(tasks, Mapping):
        return dict(tasks)
    return {task.name: task for task in tasks}
