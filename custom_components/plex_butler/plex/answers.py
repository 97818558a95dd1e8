"""Reading HTTP answers: their bodies, and the errors their statuses mean."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json

import aiohttp
from aiohttp import hdrs
import orjson

from .errors import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServerError,
)

MAX_BYTES = 4 * 1024 * 1024
# Integers of 64 bits have fewer digits; much longer ones take long to parse.
_MANY_DIGITS = 20
# The longest delay that is accepted from a Retry-After header (seconds).
MAX_RETRY_AFTER = 3600.0


def decode_json(data: bytes | str) -> object:
    """Return the value of a JSON document.

    Texts that are not valid (no UTF-8, control characters) and numbers that are too
    large do not make the document invalid. See clean_text for these texts.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data if isinstance(data, str) else data.decode(errors="replace")
    try:
        return json.loads(text, strict=False, parse_int=_number)
    except (ValueError, RecursionError) as err:
        raise PlexResponseError("not JSON") from err


def _number(digits: str) -> float:
    """Return an integer, as a float if it has more digits than any real one."""
    return int(digits) if len(digits) < _MANY_DIGITS else float(digits)


def status_error(status: int, headers: Mapping[str, str]) -> PlexError:
    """Return the error for a status other than success."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return PlexAuthenticationError("HTTP status 401")
        case HTTPStatus.FORBIDDEN:
            return PlexForbiddenError("HTTP status 403")
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return PlexBusyError(status, _retry_after(headers))
        case (
            HTTPStatus.INTERNAL_SERVER_ERROR
            | HTTPStatus.BAD_GATEWAY
            | HTTPStatus.GATEWAY_TIMEOUT
        ):
            return PlexServerError(f"HTTP status {status}", status=status)
    return PlexResponseError(f"HTTP status {status}", status=status)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the delay of a Retry-After header in seconds, given as number or date."""
    value = headers.get(hdrs.RETRY_AFTER, "")
    try:
        if value.isdecimal():
            seconds = float(value)
        else:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except ValueError, TypeError:
        return None
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None


async def read_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; stop reading when it is larger than any real answer."""
    chunks = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BYTES:
            raise PlexResponseError("larger than 4 MiB")
        chunks.append(chunk)
    return b"".join(chunks)
