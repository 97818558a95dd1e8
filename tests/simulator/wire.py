"""Faults made of bytes: what goes over the wire, and how.

Each is a `Play`, which `HttpServer.inject` takes like a `Fault`::

    plex.inject(wire(b"HTTP/1.1 200 OK\\r\\nContent-Le", reset), "/butler")
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
import socket
import struct
from typing import Final

from aiohttp import WSMsgType, hdrs, web

from .fault_answers import Scene, as_response
from .faults import Play
from .notifications import ENDINGS
from .rendering import JSON

type Step = Callable[[Scene], Awaitable[None]]

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
_LINGER = struct.pack("ii", 1, 0)
_BUFFERED = 2**18


def wire(*steps: bytes | Step) -> Play:
    """Send bytes as they are and do other steps, then hang up."""

    async def play(scene: Scene) -> web.StreamResponse:
        await _perform(scene, steps)
        _hang_up(scene)
        return web.Response()

    return play


def websocket(*steps: bytes | Step) -> Play:
    """Open a websocket, send bytes as they are and do other steps.

    Then pings are answered, until the fault is taken back.
    """

    async def play(scene: Scene) -> web.StreamResponse:
        opened = web.WebSocketResponse(autoping=False, autoclose=False, compress=False)
        await opened.prepare(scene.request)
        await _perform(scene, steps)
        end = asyncio.ensure_future(hold(scene))
        try:
            with suppress(ConnectionError):
                while (message := await opened.receive()).type not in ENDINGS:
                    if message.type is WSMsgType.PING:
                        await opened.pong(message.data)
        finally:
            end.cancel()
        return opened

    return play


def preceded(data: bytes) -> Play:
    """Send bytes as they are, then the true answer."""

    async def play(scene: Scene) -> web.StreamResponse:
        await _perform(scene, (data,))
        return await scene.respond()

    return play


def altered(change: Callable[[bytes], bytes]) -> Play:
    """Change the JSON of the true answer; all else stays as it is."""

    async def play(scene: Scene) -> web.StreamResponse:
        if hdrs.UPGRADE in scene.request.headers:
            return await scene.respond()
        truth = scene.truth()
        if truth.content_type == JSON:
            truth = replace(truth, body=change(truth.body))
        return as_response(truth)

    return play


async def reset(scene: Scene) -> None:
    """Break the connection off."""
    if (transport := scene.request.transport) is not None:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()


async def hold(scene: Scene) -> None:
    """Say no more until the fault is taken back, then hang up."""
    await scene.released.wait()
    _hang_up(scene)


def slowly(data: bytes) -> Step:
    """Send one byte a second."""

    async def step(scene: Scene) -> None:
        for byte in data:
            _write(scene, bytes((byte,)))
            await asyncio.sleep(1)

    return step


def endless(data: bytes) -> Step:
    """Repeat bytes until the client leaves."""

    async def step(scene: Scene) -> None:
        transport = scene.request.transport
        while transport is not None and not transport.is_closing():
            if transport.get_write_buffer_size() < _BUFFERED:
                transport.write(data)
            await asyncio.sleep(0)

    return step


def frame(
    payload: bytes, opcode: int = TEXT, *, final: bool = True, reserved: int = 0
) -> bytes:
    """Return a frame of a websocket."""
    first = bytes((final << 7 | reserved << 4 | opcode,))
    if len(payload) < 126:
        return first + bytes((len(payload),)) + payload
    return first + b"\x7f" + len(payload).to_bytes(8) + payload


async def _perform(scene: Scene, steps: tuple[bytes | Step, ...]) -> None:
    for step in steps:
        if isinstance(step, bytes):
            _write(scene, step)
        else:
            await step(scene)


def _write(scene: Scene, data: bytes) -> None:
    if (transport := scene.request.transport) is not None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(data)


def _hang_up(scene: Scene) -> None:
    if scene.request.transport is not None:
        scene.request.transport.close()
