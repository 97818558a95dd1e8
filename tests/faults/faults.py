"""The faults by their kind; outcomes.toml says what each kind leads to.

A new fault is one line here: its name, and how the simulator plays it.
"""

from collections.abc import Awaitable, Callable, Mapping
from compression import zstd
from dataclasses import dataclass
import gzip
import re
import zlib

from tests.plex.common import NO_TASKS, http
from tests.simulator import Fault
from tests.simulator.faults import Play
from tests.simulator.http_server import HttpServer
from tests.simulator.wire import (
    BINARY,
    CLOSE,
    PING,
    altered,
    endless,
    frame,
    hold,
    preceded,
    reset,
    slowly,
    websocket,
    wire,
)

MIB = 2**20
OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"Content-Type: application/json\r\n"
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
PAGE = b"<html><body>Sign in</body></html>"
DATE = "Wed, 21 Oct 2099 07:28:00 GMT"
ELSEWHERE = "http://elsewhere.example.com:32400/butler"


@dataclass
class Names:
    """What resolves the names of the servers."""

    known: bool = True


@dataclass(frozen=True)
class Outage:
    """A fault of the network, which meets whatever is asked of a server."""

    begin: Callable[[HttpServer, Names], Awaitable[None]]


type HowPlayed = Fault | Play | Outage


async def _off(server: HttpServer, _names: Names) -> None:
    await server.stop()


async def _unknown(server: HttpServer, names: Names) -> None:
    names.known = False
    await server.stop()


def body(data: bytes, **headers: str) -> Play:
    """Answer with 200 and a body."""
    return wire(http(body=data, **headers))


def status(code: int, **headers: str) -> Play:
    """Answer with another status and a page."""
    return wire(http(code, PAGE, **headers))


def busy(retry_after: str) -> Play:
    return status(503, retry_after=retry_after)


def redirect(code: int, location: str) -> Play:
    return status(code, location=location)


def edited(pattern: bytes, replacement: bytes) -> Play:
    """Change the true answer."""
    return altered(lambda truth: re.sub(pattern, replacement, truth))


def closed(code: int, reason: bytes = b"") -> Play:
    """Close the websocket with a code."""
    return websocket(frame(code.to_bytes(2) + reason, CLOSE))


def bomb(encoding: str, pack: Callable[[bytes], bytes]) -> Play:
    """Answer with much that is little when it is compressed."""
    large = NO_TASKS[:-1] + b" " * 32 * MIB + NO_TASKS[-1:]
    return body(pack(large), content_encoding=encoding)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]


NUMBER = rb'("(?:interval|progress)":) ?-?\d+'
TITLE = rb'("(?:title|friendlyName)": ")'

FAULTS: Mapping[str, Mapping[str, HowPlayed]] = {
    "no answer": {
        "refused": Outage(_off),
        "unknown name": Outage(_unknown),
        "reset before the answer": wire(reset),
        "reset in the status line": wire(b"HTTP/1.1 20", reset),
        "reset in the headers": wire(OK + b"Content-Le", reset),
    },
    "closed without an answer": {
        "before it": Fault.DROP,
        "in the headers": wire(OK + b"Content-Le"),
    },
    "half an answer": {
        "reset after the headers": wire(JSON + b"Content-Length: 99\r\n\r\n", reset),
        "reset in the body": wire(http(content_length="99"), reset),
        "closed in the body": Fault.TRUNCATED,
        "closed in a chunk": wire(CHUNKED + b"63\r\n" + NO_TASKS),
        "closed between chunks": wire(CHUNKED + b"13\r\n" + NO_TASKS + b"\r\n"),
    },
    "slow": {
        "silent": Fault.SLOW,
        "a byte a second in the headers": wire(slowly(http())),
        "half the headers, then silence": wire(OK + b"Content-Le", hold),
        "1,000 times 100, then silence": wire(CONTINUE * 1000, hold),
    },
    "slow body": {
        "half the body, then silence": Fault.DRIP,
        "a byte a second in the body": wire(JSON + b"\r\n", slowly(NO_TASKS)),
        "a body that never begins": wire(JSON + b"Content-Length: 99\r\n\r\n", hold),
    },
    "not HTTP": {
        "noise": wire(b"\0\1\2\r\n\r\n"),
        "SSH": wire(b"SSH-2.0-OpenSSH_9.9\r\n"),
        "TLS alert": wire(b"\x15\x03\x01\x00\x02\x02\x16"),
        "HTTP/2": wire(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80"),
        "HTTP/0.9": wire(NO_TASKS),
        "two Content-Lengths": body(NO_TASKS, Content_Length="5"),
        "Content-Length and chunked": body(NO_TASKS, transfer_encoding="chunked"),
        "negative Content-Length": body(NO_TASKS, content_length="-1"),
        "long header": body(NO_TASKS, cookie="x" * 100_000),
        "NUL in a header": body(NO_TASKS, cookie="\0"),
        "header without a colon": wire(OK + b"Content-Type\r\n\r\n" + NO_TASKS),
        "status of two digits": wire(b"HTTP/1.1 20 OK\r\n\r\n" + NO_TASKS),
        "endless headers": wire(OK, endless(b"X-Header: " + b"x" * 4000 + b"\r\n")),
        "endless header": wire(OK + b"X-Header: ", endless(b"x" * 4000)),
        "bad chunk": wire(CHUNKED + b"zz\r\n" + NO_TASKS + b"\r\n0\r\n\r\n"),
        "chunk longer than it says": wire(CHUNKED + b"2\r\n" + NO_TASKS + b"\r\n"),
        "unknown compression": body(NO_TASKS, content_encoding="br"),
    },
    "not Plex": {
        "page": Fault.HTML,
        "other document": Fault.WRONG_SHAPE,
        "list": Fault.WRONG_TYPES,
        "null": body(b"null"),
        "NaN": body(b'{"ButlerTasks": NaN, "MediaContainer": NaN}'),
        "empty": body(b""),
        "204": wire(http(204, b"")),
        "half of the JSON": wire(JSON + b"\r\n" + NO_TASKS[:-1]),
        "deep nesting": Fault.DEEP_JSON,
        "false gzip": Fault.FALSE_GZIP,
        "false deflate": body(PAGE, content_encoding="deflate"),
        "false zstd": body(PAGE, content_encoding="zstd"),
        "half a gzip": body(gzip.compress(NO_TASKS)[:12], content_encoding="gzip"),
    },
    "another encoding": {
        "BOM": altered(lambda truth: b"\xef\xbb\xbf" + truth),
        "UTF-16": altered(lambda truth: truth.decode().encode("utf-16")),
    },
    "too large": {
        "endless body": wire(JSON + b"\r\n", endless(b" " * MIB)),
        "endless chunks": wire(CHUNKED, endless(b"10000\r\n" + b" " * 2**16 + b"\r\n")),
        "64 MiB": Fault.HUGE,
        "5 MiB and their length": Fault.HUGE_LENGTH,
        "gzip bomb": bomb("gzip", gzip.compress),
        "deflate bomb": bomb("deflate", zlib.compress),
        "zstd bomb": bomb("zstd", zstd.compress),
    },
    "harmless": {
        "bad tasks": Fault.BAD_TASK,
        "not UTF-8": Fault.NOT_UTF8,
        "control characters": Fault.CONTROL_CHARACTERS,
        "numbers of 5,000 digits": Fault.HUGE_NUMBER,
        "a number of 4,000 digits": edited(NUMBER, rb"\1 " + b"7" * 4000),
        "a negative number of 4,000 digits": edited(NUMBER, rb"\1 -" + b"7" * 4000),
        "NaN for a number": edited(NUMBER, rb"\1 NaN"),
        "infinite number": edited(NUMBER, rb"\1 1e999"),
        "half a surrogate pair": edited(TITLE, rb"\1\\ud800"),
        "duplicate keys": edited(TITLE, rb'\1Other", \1'),
        "unknown keys": edited(rb"^{", b'{"new": [{}], '),
        "redirect to the truth": Fault.REDIRECT_HERE,
        "1,000 times 102, then the truth": preceded(PROCESSING * 1000),
    },
    "empty list": {
        "nothing listed": Fault.EMPTY,
    },
    "401": {"401": Fault.UNAUTHORIZED},
    "403": {"403": Fault.FORBIDDEN},
    "404": {"404": Fault.NOT_FOUND},
    "busy": {
        "503": Fault.MAINTENANCE,
        "503, Retry-After: 0": busy("0"),
        "503, Retry-After: -5": busy("-5"),
        "503, Retry-After: garbage": busy("soon"),
        "503, Retry-After: yesterday": busy("Wed, 21 Oct 2015 07:28:00 GMT"),
        "429": Fault.RATE_LIMITED_BARE,
    },
    "busy for a while": {
        "503, Retry-After: 120": Fault.MAINTENANCE_RETRY_AFTER,
        "503, Retry-After: 30 digits": busy("9" * 30),
        "503, Retry-After: a date": busy(DATE),
        "429, Retry-After: 30": Fault.RATE_LIMITED,
    },
    "server error": {
        "500": Fault.SERVER_ERROR,
        "502": Fault.BAD_GATEWAY,
        "504": Fault.GATEWAY_TIMEOUT,
        "400": status(400),
        "500, Retry-After: 120": status(500, retry_after="120"),
    },
    "other status": {
        "304": wire(http(304, b"")),
        "302 without a Location": status(302),
        "501 and a Location": redirect(501, ELSEWHERE),
        **{
            f"{code}": status(code)
            for code in (
                *(101, 300, 305, 402, 405, 407, 408, 410, 418, 421, 425, 426),
                *(431, 451, 501, 505, 507, 511, 520, 525, 599, 999),
            )
        },
    },
    "redirect": {
        **{
            f"{code} elsewhere": redirect(code, ELSEWHERE)
            for code in (301, 302, 303, 307, 308)
        },
        "another port": redirect(307, "http://plex.test:1/butler"),
        "https": redirect(307, "https://plex.test/butler"),
        "no address": redirect(302, "http://["),
        "data": redirect(302, "data:,tasks"),
        "loop": Fault.REDIRECT_LOOP,
    },
    "silent websocket": {
        "not a word": websocket(hold),
    },
    "websocket that talks": {
        "masked": websocket(b"\x81\x82\1\2\3\4{}"),
        "fragmented": websocket(frame(b'{"a"', final=False), frame(b": 1}", 0)),
        "binary": websocket(frame(b"\0\1", BINARY)),
        "junk": websocket(frame(b"hello")),
        "deep nesting": websocket(frame(b"[" * 100_000)),
        "number of 4,000 digits": websocket(frame(b'{"a": ' + b"7" * 4000 + b"}")),
        "half a surrogate pair": websocket(
            frame(b'{"NotificationContainer": "\\ud800"}')
        ),
        "1,000 frames": websocket(frame(b"{}") * 1000),
        "1,000 pings": websocket(frame(b"", PING) * 1000),
    },
    "websocket that ends": {
        **{
            f"closed with {code}": closed(code)
            for code in (
                *(1000, 1001, 1002, 1003, 1007, 1008, 1009),
                *(1011, 1012, 1013, 3000, 4999),
            )
        },
        "closed without a code": websocket(frame(b"", CLOSE)),
        "closed with a bad code": closed(5),
        "closed with bad text": closed(1000, b"\xff"),
        "broken off": websocket(reset),
        "2 MiB": websocket(frame(b" " * 2 * MIB)),
        "2 MiB in pieces": websocket(
            frame(b" " * MIB, final=False), frame(b" " * MIB, 0)
        ),
        "endless pieces": websocket(
            frame(b" ", final=False), endless(frame(b" " * MIB, 0, final=False))
        ),
        "compressed though not agreed on": websocket(
            frame(raw_deflate(b"{}"), reserved=4)
        ),
        "compressed bomb": websocket(frame(raw_deflate(bytes(64 * MIB)), reserved=4)),
        "noise": websocket(b"\xff" * 100),
        "not UTF-8": websocket(frame(b"\xff\xfe")),
        "wrong key": wire(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
            hold,
        ),
    },
}
