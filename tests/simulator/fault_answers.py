"""How each fault is played."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
import gzip
import json
import re
from typing import Any

from aiohttp import web

from .faults import Fault, Play
from .recording import Pulse
from .rendering import HTML, JSON, XML, Answer, error_page, task_row
from .tasks import SimulatedTask

MIB = 2**20
BUTLER = "/butler"
REDIRECTED = "/redirected"
"""Before a path: the same without faults, which keeps REDIRECT_HERE from a loop."""

_OPENING = b'{"ButlerTasks": {"ButlerTask": []'
_CLOSING = b"}}"
_LOGIN = b"<html><head><title>Sign in</title></head><body><form></form></body></html>"
_MAINTENANCE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Response code="503" title="Maintenance"'
    b' status="Plex Media Server is currently running database migrations."/>'
)
_TEXTS = rb'("(?:title|friendlyName|label)": ")'
_NUMBERS = rb'("(?:interval|progress|value)":) ?-?\d+\b'
_GOOD = task_row(SimulatedTask("Malformed", "Malformed", "Never to be listed", 1))
_BAD_TASKS: tuple[Any, ...] = (
    {key: value for key, value in _GOOD.items() if key != "name"},
    "not an object",
    _GOOD | {"name": 7},
    _GOOD | {"interval": "abc"},
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What playing a fault may need."""

    request: web.BaseRequest
    path: str
    truth: Callable[[], Answer]
    """Does the work and returns the true answer."""
    respond: Callable[[], Awaitable[web.StreamResponse]]
    """Does the work and sends the true answer, which may be to open a websocket."""
    released: Pulse
    redirect_target: str


async def play(fault: Fault | Play, scene: Scene) -> web.StreamResponse:
    """Answer a request with a fault."""
    if not isinstance(fault, Fault):
        return await fault(scene)
    if (plain := _PLAIN.get(fault)) is not None:
        return as_response(plain(scene))
    return await _STREAMED[fault](scene)


def as_response(answer: Answer) -> web.Response:
    """Return an answer as HTTP."""
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        headers=answer.headers,
    )


def _error(status: int, *, retry_after: int | None = None) -> Callable[[Scene], Answer]:
    return lambda _: replace(error_page(status), headers=_patience(retry_after))


def _maintenance(*, retry_after: int | None = None) -> Callable[[Scene], Answer]:
    return lambda _: Answer(503, _MAINTENANCE, XML, _patience(retry_after))


def _patience(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _fixed(body: bytes, content_type: str = JSON) -> Callable[[Scene], Answer]:
    return lambda _: Answer(body=body, content_type=content_type)


def _padded(size: int) -> bytes:
    return _OPENING + b" " * size + _CLOSING


def _huge_length(_: Scene) -> Answer:
    return Answer(body=_padded(5 * MIB), content_type=JSON)


def _gzip_bomb(_: Scene) -> Answer:
    return Answer(
        body=gzip.compress(_padded(8 * MIB), compresslevel=1),
        content_type=JSON,
        headers={"Content-Encoding": "gzip"},
    )


def _redirect(status: int, location: str) -> Answer:
    return Answer(status, headers={"Location": location})


def _redirect_here(scene: Scene) -> Answer:
    return _redirect(307, REDIRECTED + scene.request.raw_path)


def _empty(scene: Scene) -> Answer:
    return _root(of_butler=scene.path == BUTLER)


def _wrong_shape(scene: Scene) -> Answer:
    return _root(of_butler=scene.path != BUTLER)


def _root(*, of_butler: bool) -> Answer:
    content: dict[str, Any] = (
        {"ButlerTasks": {}} if of_butler else {"MediaContainer": {"size": 0}}
    )
    return Answer(body=json.dumps(content).encode(), content_type=JSON)


def _echo(scene: Scene) -> Answer:
    request = scene.request
    return Answer(body=f"{request.rel_url} {dict(request.headers)}".encode())


def _bad_task(scene: Scene) -> Answer:
    truth = scene.truth()
    if scene.path != BUTLER or truth.content_type != JSON:
        return truth
    content = json.loads(truth.body)
    tasks = content["ButlerTasks"].get("ButlerTask", [])
    content["ButlerTasks"]["ButlerTask"] = [*_BAD_TASKS, *tasks]
    return replace(truth, body=json.dumps(content).encode())


def _altered(pattern: bytes, replacement: bytes) -> Callable[[Scene], Answer]:
    """Change the values of some fields in the JSON of the true answer."""

    def alter(scene: Scene) -> Answer:
        truth = scene.truth()
        if truth.content_type != JSON:
            return truth
        return replace(truth, body=re.sub(pattern, replacement, truth.body))

    return alter


async def _slow(scene: Scene) -> web.StreamResponse:
    await scene.released.wait()
    return await scene.respond()


async def _drip(scene: Scene) -> web.StreamResponse:
    truth = scene.truth()
    response = await _opened(scene, truth)
    half = len(truth.body) // 2
    if half:
        await response.write(truth.body[:half])
    await scene.released.wait()
    await response.write(truth.body[half:])
    return response


async def _truncated(scene: Scene) -> web.StreamResponse:
    truth = scene.truth()
    if not truth.body:
        truth = replace(truth, body=_OPENING, content_type=JSON)
    response = await _opened(scene, truth, length=len(truth.body))
    await response.write(truth.body[: len(truth.body) // 2])
    _hang_up(scene)
    return response


async def _huge(scene: Scene) -> web.StreamResponse:
    response = await _opened(scene, Answer(content_type=JSON))
    blanks = b" " * (MIB // 4)
    with suppress(ConnectionError):  # The client may leave at any time.
        await response.write(_OPENING)
        for _ in range(64 * 4):
            await response.write(blanks)
        await response.write(_CLOSING)
    return response


async def _drop(scene: Scene) -> web.StreamResponse:
    _hang_up(scene)
    return web.Response()


async def _opened(
    scene: Scene, answer: Answer, length: int | None = None
) -> web.StreamResponse:
    """Send the head of an answer, chunked unless its length is given."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = length
    await response.prepare(scene.request)
    return response


def _hang_up(scene: Scene) -> None:
    if scene.request.transport is not None:
        scene.request.transport.close()


_PLAIN: dict[Fault, Callable[[Scene], Answer]] = {
    Fault.UNAUTHORIZED: _error(401),
    Fault.FORBIDDEN: _error(403),
    Fault.NOT_FOUND: _error(404),
    Fault.SERVER_ERROR: _error(500),
    Fault.BAD_GATEWAY: _error(502),
    Fault.GATEWAY_TIMEOUT: _error(504),
    Fault.UNPROCESSABLE: _error(422),
    Fault.MAINTENANCE: _maintenance(),
    Fault.MAINTENANCE_RETRY_AFTER: _maintenance(retry_after=120),
    Fault.RATE_LIMITED: _error(429, retry_after=30),
    Fault.RATE_LIMITED_BARE: _error(429),
    Fault.HTML: _fixed(_LOGIN, HTML),
    Fault.HUGE_LENGTH: _huge_length,
    Fault.REDIRECT_ELSEWHERE: lambda scene: _redirect(302, scene.redirect_target),
    Fault.REDIRECT_HERE: _redirect_here,
    Fault.REDIRECT_LOOP: lambda scene: _redirect(302, scene.request.raw_path),
    Fault.WRONG_SHAPE: _wrong_shape,
    Fault.WRONG_TYPES: _fixed(b"[]"),
    Fault.EMPTY: _empty,
    Fault.BAD_TASK: _bad_task,
    Fault.NOT_UTF8: _altered(_TEXTS, b"\\1\xff\xfe"),
    Fault.CONTROL_CHARACTERS: _altered(_TEXTS, b"\\1\x00\x1b"),
    Fault.HUGE_NUMBER: _altered(_NUMBERS, b"\\1 " + b"9" * 5000),
    Fault.DEEP_JSON: _fixed(b"[" * 100_000 + b"]" * 100_000),
    Fault.GZIP_BOMB: _gzip_bomb,
    Fault.ECHO: _echo,
    Fault.FALSE_GZIP: lambda _: Answer(
        body=_LOGIN, content_type=JSON, headers={"Content-Encoding": "gzip"}
    ),
}

_STREAMED: dict[Fault, Callable[[Scene], Awaitable[web.StreamResponse]]] = {
    Fault.SLOW: _slow,
    Fault.DRIP: _drip,
    Fault.DROP: _drop,
    Fault.TRUNCATED: _truncated,
    Fault.HUGE: _huge,
}
