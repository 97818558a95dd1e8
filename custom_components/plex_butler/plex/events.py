"""What a server says by itself: its notifications websocket.

Follows https://developer.plex.tv/pms/ ("Events").
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from random import SystemRandom
from typing import Any, Self

import aiohttp
import orjson

from .errors import PlexAuthenticationError, PlexError, PlexForbiddenError
from .models import MAX_NAME, Activity
from .server import PlexServer

# Seconds between reconnections, from the first to the longest.
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0

_random = SystemRandom()


class ActivityChange(StrEnum):
    """What became of an activity."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityEvent:
    """An activity began, went on or ended."""

    change: ActivityChange
    activity: Activity

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Read one `ActivityNotification` element; ValueError if it is none."""
        if not isinstance(raw, dict):
            raise ValueError("not an object")  # noqa: TRY004 -- one error for a bad element
        activity = Activity.from_json(raw.get("Activity"))
        if not activity.uuid:
            raise ValueError("no uuid")
        return cls(change=ActivityChange(str(raw.get("event"))), activity=activity)


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingEvent:
    """A setting of the server was changed, by whomever."""

    id: str

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Read one `Setting` element; ValueError if it is none."""
        setting_id = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(setting_id, str) or not 0 < len(setting_id) <= MAX_NAME:
            raise ValueError("no id")
        return cls(id=setting_id)


@dataclass(frozen=True, slots=True)
class StreamUp:
    """The stream is connected; what happened before that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamDown:
    """The stream is not connected, and will be tried again if `retry` is set."""

    error: PlexError | None
    """Why it could not be connected; None when it was, and was lost."""
    retry: float | None
    """Seconds until the next try."""


type Event = ActivityEvent | SettingEvent | StreamUp | StreamDown

_KINDS: dict[str, tuple[str, type[ActivityEvent | SettingEvent]]] = {
    "activity": ("ActivityNotification", ActivityEvent),
    "preference": ("Setting", SettingEvent),
}


def parse_frame(frame: str | bytes) -> list[ActivityEvent | SettingEvent]:
    """Return the events of a frame, which are none if it is not understood."""
    try:
        container: Any = orjson.loads(frame)["NotificationContainer"]
        key, kind = _KINDS[container["type"]]
        elements = container[key]
    except ValueError, KeyError, TypeError:
        return []
    events = []
    for element in elements if isinstance(elements, list) else ():
        try:
            events.append(kind.from_json(element))
        except ValueError:
            continue
    return events


async def listen(server: PlexServer) -> AsyncGenerator[Event]:
    """Yield what the server says, for ever, reconnecting whenever that is needed.

    A server or a proxy that has no websocket looks like one that cannot be reached.
    Ends only when the server will not have this client (401, 403).
    """
    loop = asyncio.get_running_loop()
    delay = FIRST_DELAY
    while True:
        error: PlexError | None = None
        begun = loop.time()
        try:
            async with server.notifications() as websocket:
                yield StreamUp()
                async for message in websocket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        for event in parse_frame(message.data):
                            yield event
        except PlexError as err:
            error = err
        if isinstance(error, (PlexAuthenticationError, PlexForbiddenError)):
            yield StreamDown(error=error, retry=None)
            return
        # One that drops every connection at once is not to be hammered.
        lasted = error is None and loop.time() - begun > LONGEST_DELAY
        delay = FIRST_DELAY if lasted else delay
        wait = delay * _random.uniform(0.5, 1)
        yield StreamDown(error=error, retry=wait)
        await asyncio.sleep(wait)
        delay = min(2 * delay, LONGEST_DELAY)
