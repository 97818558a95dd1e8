"""Push events of a server: its notifications websocket.

Follows https://developer.plex.tv/pms/ ("Events").
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from typing import Any, Self

import aiohttp

from .answers import decode_json
from .errors import (
    PlexAuthenticationError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
)
from .models import Activity, usable_id
from .server import PlexServer

# Seconds until the next try: after the first failure, after many, and after the server
# refused the token.
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
REFUSED_DELAY = 300.0
# So many elements of a frame are processed before others use the event loop.
PART = 500
_KEYS = {"activity": "ActivityNotification", "preference": "Setting"}

_random = SystemRandom()


class ActivityChange(StrEnum):
    """What happened to an activity."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityEvent:
    """An activity started, changed or ended."""

    change: ActivityChange
    activity: Activity

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Parse one `ActivityNotification` element."""
        if not isinstance(raw, dict):
            raise ValueError("not an object")  # noqa: TRY004 -- one error for a bad element
        activity = Activity.from_json(raw.get("Activity"))
        if not activity.uuid:
            raise ValueError("no uuid")
        return cls(change=ActivityChange(str(raw.get("event"))), activity=activity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifications:
    """The content of one frame, or of a part of a long one."""

    activities: tuple[ActivityEvent, ...] = ()
    settings: frozenset[str] = frozenset()
    """The ids of settings that were changed, by any client."""


@dataclass(frozen=True, slots=True)
class StreamUp:
    """The stream is connected; events before that are unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamDown:
    """The stream is not connected, and will be tried again."""

    error: PlexError | None
    """Why it could not be connected; None when it was connected, and was lost."""


type Event = Notifications | StreamUp | StreamDown


def parse_frame(frame: str) -> Iterator[Notifications]:
    """Yield the content of a frame, in one part or more; each may be empty."""
    kind, elements = _elements(frame)
    for start in range(0, len(elements) or 1, PART):
        part = elements[start : start + PART]
        if kind == "activity":
            events = _parse_list(part, ActivityEvent.from_json)
            yield Notifications(activities=tuple(events))
        else:
            yield Notifications(settings=frozenset(_parse_list(part, _setting_id)))


def _elements(frame: str) -> tuple[str, list[object]]:
    """Return what a frame is about, and its elements; none if it is of no use."""
    try:
        document: Any = decode_json(frame)
        container = document["NotificationContainer"]
        kind = container["type"]
        elements = container[_KEYS[kind]]
    except PlexResponseError, KeyError, TypeError:
        return "", []
    return kind, elements if isinstance(elements, list) else []


def _parse_list[T](elements: list[object], parse: Callable[[object], T]) -> list[T]:
    """Return the elements that can be parsed."""
    parsed = []
    for element in elements:
        try:
            parsed.append(parse(element))
        except ValueError:
            continue
    return parsed


def _setting_id(raw: object) -> str:
    setting_id = usable_id(raw.get("id")) if isinstance(raw, dict) else None
    if setting_id is None:
        raise ValueError("no usable id")
    return setting_id


async def listen(
    server: PlexServer, *, retry: asyncio.Event | None = None
) -> AsyncGenerator[Event]:
    """Yield the notifications of a server, and reconnect for ever.

    Setting `retry` ends the wait for the next try. A server or a proxy without a
    websocket is treated as one that cannot be reached.
    """
    loop = asyncio.get_running_loop()
    retry = retry or asyncio.Event()
    delay = FIRST_DELAY
    while True:
        error: PlexError | None = None
        begun = loop.time()
        try:
            async with server.notifications() as websocket:
                yield StreamUp()
                async for message in websocket:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        continue
                    for part in parse_frame(message.data):
                        # Frames that have arrived already are received without a pause.
                        await asyncio.sleep(0)
                        if part.activities or part.settings:
                            yield part
        except PlexError as err:
            error = err
        # A connection that is dropped soon counts as a failure, too.
        if error is None and loop.time() - begun > LONGEST_DELAY:
            delay = FIRST_DELAY
        retry.clear()
        yield StreamDown(error=error)
        refused = isinstance(error, PlexAuthenticationError | PlexForbiddenError)
        with suppress(TimeoutError):
            async with asyncio.timeout(
                REFUSED_DELAY if refused else delay * _random.uniform(0.5, 1)
            ):
                await retry.wait()
        delay = min(2 * delay, LONGEST_DELAY)
