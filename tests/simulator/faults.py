"""Faults: wrong answers a server, a proxy or a network gives.

A fault that answers with a body does so in JSON, whatever the client accepts, and does
not look at the token.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    # It needs this module when it is imported.
    from .fault_answers import Scene

type Play = Callable[[Scene], Awaitable[web.StreamResponse]]
"""A fault that has no name here: what answers a request (see wire.py)."""


class Fault(Enum):
    """What a request is answered with instead of the truth."""

    UNAUTHORIZED = auto()
    """401, an HTML page."""
    FORBIDDEN = auto()
    """403, an HTML page."""
    NOT_FOUND = auto()
    """404, an HTML page."""
    SERVER_ERROR = auto()
    """500, an HTML page."""
    BAD_GATEWAY = auto()
    """502, an HTML page, as of a reverse proxy."""
    GATEWAY_TIMEOUT = auto()
    """504, an HTML page, as of a reverse proxy."""
    UNPROCESSABLE = auto()
    """422, an HTML page, as plex.tv answers to some invalid tokens."""
    MAINTENANCE = auto()
    """503 while the server works on its database."""
    MAINTENANCE_RETRY_AFTER = auto()
    """The same with Retry-After: 120."""
    RATE_LIMITED = auto()
    """429 with Retry-After: 30."""
    RATE_LIMITED_BARE = auto()
    """429 without a hint when to come back."""
    SLOW = auto()
    """No answer until released; the work is done then, and truly answered."""
    DRIP = auto()
    """The work is done, but the answer's second half hangs until released."""
    DROP = auto()
    """The connection is closed without a reply and nothing is done."""
    HTML = auto()
    """200 with a page to sign in, as of a reverse proxy."""
    TRUNCATED = auto()
    """The work is done, but the connection closes half-way through the answer."""
    HUGE = auto()
    """64 MiB of blanks inside JSON, without a Content-Length."""
    HUGE_LENGTH = auto()
    """5 MiB of blanks inside JSON, announced by a Content-Length."""
    REDIRECT_ELSEWHERE = auto()
    """302 to `HttpServer.redirect_target`."""
    REDIRECT_HERE = auto()
    """307 to a path on this server that has the true answer."""
    REDIRECT_LOOP = auto()
    """302 to the path that was asked for."""
    WRONG_SHAPE = auto()
    """A good document of another endpoint: the expected root is missing."""
    WRONG_TYPES = auto()
    """JSON, but a list."""
    EMPTY = auto()
    """The right root with nothing in it."""
    BAD_TASK = auto()
    """The truth, with malformed tasks before the good ones."""
    NOT_UTF8 = auto()
    """The truth, with bytes that are not UTF-8 at the start of titles and names."""
    CONTROL_CHARACTERS = auto()
    """The truth, with unescaped control characters at the start of titles and names."""
    HUGE_NUMBER = auto()
    """The truth, with numbers of 5,000 digits as intervals, progress and values."""
    DEEP_JSON = auto()
    """100 000 lists inside each other."""
    GZIP_BOMB = auto()
    """8 MiB of blanks inside JSON, a few KiB on the wire."""
    FALSE_GZIP = auto()
    """A page that is announced as gzip and is not."""
    ECHO = auto()
    """A page with the whole request, the token included, where JSON is expected."""


ALTERING = {
    Fault.DRIP,
    Fault.TRUNCATED,
    Fault.BAD_TASK,
    Fault.NOT_UTF8,
    Fault.CONTROL_CHARACTERS,
    Fault.HUGE_NUMBER,
}
"""What does something to a true answer, and nothing to one that has no body."""


@dataclass(slots=True)
class Injection:
    """A fault on some requests, for some times."""

    fault: Fault | Play
    path: str | None
    method: str | None
    times: int | None


class FaultBook:
    """The faults in force."""

    def __init__(self) -> None:
        self._injections: dict[tuple[str | None, str | None], Injection] = {}

    def __iter__(self) -> Iterator[Injection]:
        return iter(self._injections.values())

    def inject(self, injection: Injection) -> None:
        """Put a fault in force, in place of the same path and method's earlier one."""
        if injection.times is not None and injection.times < 1:
            raise ValueError("times must be 1 or more")
        self._injections[injection.path, injection.method] = injection

    def clear(self) -> None:
        """Take all faults back."""
        self._injections.clear()

    def take(self, path: str, method: str) -> Fault | Play | None:
        """Return the fault for a request, the closest match first, and count it."""
        for key in ((path, method), (path, None), (None, method), (None, None)):
            if (injection := self._injections.get(key)) is not None:
                if injection.times is not None:
                    injection.times -= 1
                    if not injection.times:
                        del self._injections[key]
                return injection.fault
        return None
