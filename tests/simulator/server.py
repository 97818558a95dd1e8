"""The stand-in server on the network, and the controls a test needs."""

from collections.abc import Iterable, Mapping
import json
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from .control import CONTROL, answer_control
from .default_settings import default_settings
from .fault_answers import REDIRECTED, Scene, as_response, play
from .faults import ALTERING, Fault, FaultBook, Injection
from .media_server import MediaServer
from .notifications import NOTIFICATIONS, ActivityFeed, Notifications, frame
from .recording import Pulse, RecordedRequest
from .rendering import error_page
from .settings import SimulatedSetting
from .tasks import SimulatedTask, default_tasks

HOST = "127.0.0.1"
TOKEN = "owner-token-of-the-simulator"
MACHINE_IDENTIFIER = "5133a1c0de5133a1c0de5133a1c0de5133a1c0de"


class PlexSimulator(MediaServer):
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
        super().__init__(
            name=name,
            machine_identifier=machine_identifier,
            token=token,
            version=version,
            tasks=_by_name(tasks),
            settings=default_settings() if settings is None else settings,
        )
        self.port = port
        self.ssl_context: SSLContext | None = None
        """What to speak TLS with, from the next start on; None is plain HTTP."""
        self.requests: list[RecordedRequest] = []
        self.faults = FaultBook()
        self.redirect_target = "http://elsewhere.example.com:32400/"
        self.websocket_refusal: int | None = None
        """The status a websocket is refused with, as where a proxy knows none."""
        self._notifications = Notifications()
        self._arrived = Pulse()
        self._changed = Pulse()
        self._released = Pulse()
        self._runner: web.ServerRunner | None = None
        feed = ActivityFeed(lambda: self.run_activities, self._notifications.announce)
        self.butler.listeners += [feed.look, self._changed.beat]
        self.settings.listeners.append(
            lambda rows: self.notify("preference", "Setting", rows)
        )

    @property
    def url(self) -> str:
        """The server's address, once it listens."""
        scheme = "https" if self.ssl_context else "http"
        return f"{scheme}://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop on the same port as before."""
        # A handler is cancelled when its client goes, so that nothing hangs for ever.
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, self.port, ssl_context=self.ssl_context)
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self.port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Go off the network at once; every connection and every run ends."""
        if self._runner is not None:
            _hang_up(self._runner.server)
            await self._runner.cleanup()
            self._runner = None
        # Only now can no request start a task any more.
        self.butler.close()

    def inject(
        self,
        fault: Fault,
        path: str | None = None,
        method: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer requests to a path with a fault, until cleared or so many times."""
        self.faults.inject(Injection(fault, path, method, times))

    def clear_faults(self) -> None:
        """Take all faults back and let hanging requests go on."""
        self.faults.clear()
        self._released.beat()

    async def wait_for_request(self, method: str, path: str) -> RecordedRequest:
        """Return the first such request, as soon as there is one."""
        while True:
            for request in self.requests:
                if (request.method, request.raw_path) == (method, path):
                    return request
            await self._arrived.wait()

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

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        recorded = RecordedRequest.from_request(request)
        path = recorded.raw_path
        if path.startswith(CONTROL):
            return await answer_control(self, request)
        self.requests.append(recorded)
        self._arrived.beat()
        if path.startswith(REDIRECTED + "/"):
            path = path.removeprefix(REDIRECTED)
            return await self._respond(request, recorded, path)
        fault = self.faults.take(path, recorded.method)
        if fault is None or (fault in ALTERING and path == NOTIFICATIONS):
            return await self._respond(request, recorded, path)
        scene = Scene(
            request=request,
            path=path,
            truth=lambda: self.answer(recorded, path),
            respond=lambda: self._respond(request, recorded, path),
            released=self._released,
            redirect_target=self.redirect_target,
        )
        return await play(fault, scene)

    async def _respond(
        self, request: web.BaseRequest, recorded: RecordedRequest, path: str
    ) -> web.StreamResponse:
        if (recorded.method, path) != ("GET", NOTIFICATIONS):
            return as_response(self.answer(recorded, path))
        if self.websocket_refusal is not None:
            return as_response(error_page(self.websocket_refusal))
        if not self.is_owner(recorded):
            # Of a shared token too, and whatever `shared_status` says of other paths.
            return as_response(error_page(401))
        if not web.WebSocketResponse().can_prepare(request):
            return as_response(error_page(400))
        return await self._notifications.serve(request, recorded)


def _hang_up(server: web.Server | None) -> None:
    # Waiting for answers to end, as aiohttp would, is no use where they hang on purpose,
    # and takes for ever where a test froze the clock.
    for connection in () if server is None else server.connections:
        if connection.transport is not None:
            connection.transport.abort()


def _by_name(
    tasks: Mapping[str, SimulatedTask] | Iterable[SimulatedTask] | None,
) -> dict[str, SimulatedTask]:
    if tasks is None:
        return default_tasks()
    if isinstance(tasks, Mapping):
        return dict(tasks)
    return {task.name: task for task in tasks}
