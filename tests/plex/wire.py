"""Servers that put given bytes on the wire: what no Plex Media Server would answer."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from ssl import SSLContext
from types import TracebackType
from typing import Self

NO_TASKS = b'{"ButlerTasks": {}}'


def http(status: int = 200, body: bytes = NO_TASKS, **headers: str) -> bytes:
    """Return an answer; `content_length` and the like are headers."""
    headers = {"connection": "close", "content_length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join((f"HTTP/1.1 {status} Whatever", *lines, "", ""))
    return head.encode() + body


async def idle() -> None:
    """Let everything happen that can happen now, without any time going by."""
    for _ in range(500):
        await asyncio.sleep(0)


def forever(answers: Sequence[bytes]) -> Iterator[bytes]:
    return chain(answers, repeat(answers[-1]))


class Wire:
    """Gives one answer a connection, the last of them again and again.

    With `endless`, it follows each answer until the client goes. A client that says
    nothing is waited for.
    """

    def __init__(
        self, *answers: bytes, endless: bytes = b"", tls: SSLContext | None = None
    ) -> None:
        self.requests: list[bytes] = []
        self.connected = asyncio.Event()
        self.left = asyncio.Event()
        self.sent = 0
        self._answers = forever(answers)
        self._endless = endless
        self._tls = tls

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def give(self, *answers: bytes) -> None:
        """Give these from now on."""
        self._answers = forever(answers)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._tls
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connected.set()
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(next(self._answers))
            await writer.drain()
            while self._endless:
                writer.write(self._endless)
                self.sent += len(self._endless)
                await writer.drain()
        writer.close()
        self.left.set()
