"""The stand-in server on the network, and the controls a test needs."""

from collections.abc import Iterable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import Self

from aiohttp import web

from .control import CONTROL, answer_control
from .fault_answers import REDIRECTED, Scene, as_response, play
from .faults import Fault, FaultBook, Injection
from .media_server import MediaServer
from .recording import Pulse, RecordedRequest
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
    ) -> None:
        """Prepare a server; port 0 takes a free one, no tasks are the default ones."""
        super().__init__(
            name=name,
            machine_identifier=machine_identifier,
            token=token,
            version=version,
            tasks=_by_name(tasks),
        )
        self.port = port
        self.ssl_context: SSLContext | None = None
        """What to speak TLS with, from the next start on; None is plain HTTP."""
        self.requests: list[RecordedRequest] = []
        self.faults = FaultBook()
        self.redirect_target = "http://elsewhere.example.com:32400/"
        self._arrived = Pulse()
        self._changed = Pulse()
        self._released = Pulse()
        self._runner: web.ServerRunner | None = None
        self.butler.listeners.append(self._changed.beat)

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

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        recorded = RecordedRequest.from_request(request)
        path = recorded.raw_path
        if path.startswith(CONTROL):
            return await answer_control(self, request)
        self.requests.append(recorded)
        self._arrived.beat()
        if path.startswith(REDIRECTED + "/"):
            return as_response(self.answer(recorded, path.removeprefix(REDIRECTED)))
        fault = self.faults.take(path, recorded.method)
        if fault is None:
            return as_response(self.answer(recorded, path))
        scene = Scene(
            request=request,
            path=path,
            truth=lambda: self.answer(recorded, path),
            released=self._released,
            redirect_target=self.redirect_target,
        )
        return await play(fault, scene)


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
