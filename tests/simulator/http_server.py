"""What the simulated servers share: listening, recording and faults."""

from abc import ABC, abstractmethod
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self, override

from aiohttp import web

from .control import CONTROL, answer_control
from .fault_answers import REDIRECTED, Scene, as_response, play
from .faults import Fault, FaultBook, Injection, Play
from .recording import Pulse, RecordedRequest
from .rendering import Answer

HOST = "127.0.0.1"


class Server(ABC):
    """A server that listens for as long as a test is in its context."""

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

    @abstractmethod
    async def start(self) -> None:
        """Listen."""

    @abstractmethod
    async def stop(self) -> None:
        """Go off the network."""


class HttpServer(Server):
    """An HTTP server on this machine that a test can look at and disturb."""

    def __init__(self, port: int = 0) -> None:
        """Prepare a server; port 0 takes a free one."""
        self.host = HOST
        """The IPv4 or IPv6 address to listen on, from the next start on."""
        self.port = port
        self.ssl_context: SSLContext | None = None
        """What to speak TLS with, from the next start on; None is plain HTTP."""
        self.requests: list[RecordedRequest] = []
        self.faults = FaultBook()
        self.cookie: str | None = None
        """The value of a cookie that is set by every ordinary answer."""
        self.redirect_target = "http://elsewhere.example.com:32400/"
        self._arrived = Pulse()
        self._released = Pulse()
        self._runner: web.ServerRunner | None = None

    @abstractmethod
    def answer(self, request: RecordedRequest, path: str) -> Answer:
        """Do what is asked for and return the answer."""

    @abstractmethod
    def control(self, method: str, name: str) -> dict[str, Any] | None:
        """Do what a shell asks for by a name only this server knows, if it does."""

    @property
    def url(self) -> str:
        """The server's address, once it listens."""
        scheme = "https" if self.ssl_context else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def listening(self) -> bool:
        """Whether it is on the network."""
        return self._runner is not None

    @override
    async def start(self) -> None:
        """Listen; after a stop on the same port as before."""
        # A handler is cancelled when its client goes, so that nothing hangs for ever.
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        try:
            site = web.TCPSite(
                runner, self.host, self.port, ssl_context=self.ssl_context
            )
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self.port = runner.addresses[0][1]
        self._runner = runner

    @override
    async def stop(self) -> None:
        """Go off the network at once; every connection ends."""
        if self._runner is not None:
            _hang_up(self._runner.server)
            await self._runner.cleanup()
            self._runner = None

    def inject(
        self,
        fault: Fault | Play,
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
        fault = self._fault(recorded)
        if fault is None:
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

    def _fault(self, recorded: RecordedRequest) -> Fault | Play | None:
        """Return what to answer a request with instead of the truth."""
        return self.faults.take(recorded.raw_path, recorded.method)

    async def _respond(
        self, _request: web.BaseRequest, recorded: RecordedRequest, path: str
    ) -> web.StreamResponse:
        """Do what is asked for and send the answer."""
        response = as_response(self.answer(recorded, path))
        if self.cookie is not None:
            response.set_cookie("session", self.cookie)
        return response


def _hang_up(server: web.Server | None) -> None:
    # Waiting for answers to end, as aiohttp would, is no use where they hang on purpose,
    # and takes for ever where a test froze the clock.
    for connection in () if server is None else server.connections:
        if connection.transport is not None:
            connection.transport.abort()
