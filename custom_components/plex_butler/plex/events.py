"""Push events of a server: its notifications websocket.

Follows https://developer.plex.tv/pms/ ("Events").
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
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
    """The content of one frame."""

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


def parse_frame(frame: str) -> Notifications | None:
    """Return the content of a frame; None if there is nothing in it to use."""
    try:
        document: Any = decode_json(frame)
        container = document["NotificationContainer"]
        kind = container["type"]
    except PlexResponseError, KeyError, TypeError:
        return None
    if kind == "activity":
        activities = _parse_list(
            container.get("ActivityNotification"), ActivityEvent.from_json
        )
        return Notifications(activities=tuple(activities)) if activities else None
    if kind == "preference":
        settings = _parse_list(container.get("Setting"), _setting_id)
        return Notifications(settings=frozenset(settings)) if settings else None
    return None


def _parse_list[T](elements: object, parse: Callable[[object], T]) -> list[T]:
    """Return the elements that can be parsed."""
    parsed = []
    for element in elements if isinstance(elements, list) else ():
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
                    notifications = parse_frame(message.data)
                    # Frames that have arrived already are received without a pause.
                    await asyncio.sleep(0)
                    if notifications:
                        yield notifications
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
