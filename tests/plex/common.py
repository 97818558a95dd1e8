"""Helpers of the tests of the Plex side."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from ssl import SSLContext
import traceback
from types import TracebackType
from typing import Any, Self

from hypothesis import strategies as st

HASH = "0123456789abcdef0123456789abcdef"
WEBSOCKET = "/:/websockets/notifications"
NO_TASKS = b'{"ButlerTasks": {}}'
NOTHING = object()
"""The value of a field that is left out."""

# Any JSON: what orjson can have parsed.
TEXT = st.text(max_size=20) | st.integers(0, 3000).map("x".__mul__)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    SCALARS | st.sampled_from(["0", "1", "-1", "7", "1e999", "nan", "1_0", "\u0663"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)


def objects(*fields: str) -> st.SearchStrategy[object]:
    """Return any JSON, and more often objects with the fields of a model."""
    return JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(fields, JSON))


def parsed[T](from_json: Callable[[object], T], raw: object) -> list[T]:
    """Return the object, if it can be parsed."""
    try:
        return [from_json(raw)]
    except ValueError:
        return []


def given_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without those that are NOTHING."""
    return {key: value for key, value in fields.items() if value is not NOTHING}


def shown(error: BaseException) -> str:
    """Return everything that a log may show of an error."""
    return "".join((*traceback.format_exception(error), *map(repr, chain_of(error))))


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that a traceback shows before it."""
    while error is not None:
        yield error
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden


def http(status: int = 200, body: bytes = NO_TASKS, **headers: str) -> bytes:
    """Return an answer; `content_length` and the like are headers."""
    headers = {"connection": "close", "content_length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join((f"HTTP/1.1 {status} Whatever", *lines, "", ""))
    return head.encode() + body


async def idle() -> None:
    """Let everything happen that can happen without time passing."""
    for _ in range(500):
        await asyncio.sleep(0)


def forever(answers: Sequence[bytes]) -> Iterator[bytes]:
    return chain(answers, repeat(answers[-1]))


class Wire:
    """A server that sends given bytes, one answer for each connection.

    The last answer is repeated. `endless` is sent after each answer until the client
    disconnects. With `drops_second`, a connection is kept open, and closed without an
    answer when a second request arrives on it.
    """

    def __init__(
        self,
        *answers: bytes,
        endless: bytes = b"",
        drops_second: bool = False,
        tls: SSLContext | None = None,
    ) -> None:
        self.requests: list[bytes] = []
        self.dropped: list[bytes] = []
        self.connected = asyncio.Event()
        self.left = asyncio.Event()
        self.sent = 0
        self._answers = forever(answers)
        self._endless = endless
        self._drops_second = drops_second
        self._tls = tls

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def give(self, *answers: bytes) -> None:
        """Replace the answers."""
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
        self._server.close_clients()  # Which a client may keep open.
        await self._server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connected.set()
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(next(self._answers))
            await writer.drain()
            if self._drops_second:
                self.dropped.append(await reader.readuntil(b"\r\n\r\n"))
            while self._endless:
                writer.write(self._endless)
                self.sent += len(self._endless)
                await writer.drain()
        writer.close()
        self.left.set()
