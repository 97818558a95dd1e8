"""The kinds of bad news, and what the user is told of each."""

from dataclasses import dataclass

import pytest

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL

from .simulator import Fault


@dataclass(frozen=True)
class News:
    """One row of the table: a fault, and what the user is told."""

    fault: Fault
    key: str
    field: str
    flow_key: str
    text: str
    setup: ConfigEntryState = ConfigEntryState.SETUP_RETRY
    polls: int = 1
    """How many such answers in a row it takes to lose sight of the server."""


NEWS = [
    News(
        Fault.UNAUTHORIZED,
        "invalid_auth",
        CONF_TOKEN,
        "invalid_auth",
        "Media Server no longer accepts the stored token",
        setup=ConfigEntryState.SETUP_ERROR,
    ),
    News(
        Fault.FORBIDDEN,
        "not_owner",
        CONF_TOKEN,
        "not_owner",
        "does not own Media Server",
        setup=ConfigEntryState.SETUP_ERROR,
    ),
    News(
        Fault.DROP,
        "https_required",
        CONF_URL,
        "https_required",
        "address that starts with https://",
    ),
    News(
        Fault.TRUNCATED,
        "cannot_connect",
        CONF_URL,
        "cannot_connect",
        "Media Server cannot be reached",
    ),
    News(
        Fault.MAINTENANCE,
        "server_busy",
        "base",
        "server_busy",
        "busy with its own maintenance (HTTP status 503)",
        polls=3,
    ),
    News(
        Fault.RATE_LIMITED_BARE,
        "server_busy",
        "base",
        "server_busy",
        "busy with its own maintenance (HTTP status 429)",
        polls=3,
    ),
    *(
        News(fault, "bad_response", CONF_URL, "not_plex", f"not understood ({text})")
        for fault, text in (
            (Fault.HTML, "not JSON"),
            (Fault.DEEP_JSON, "not JSON"),
            (Fault.WRONG_SHAPE, "no ButlerTasks"),
            (Fault.WRONG_TYPES, "no ButlerTasks"),
            (Fault.HUGE, "larger than 4 MiB"),
            (Fault.HUGE_LENGTH, "larger than 4 MiB"),
            (Fault.GZIP_BOMB, "larger than 4 MiB"),
            (Fault.REDIRECT_ELSEWHERE, "redirected to another address"),
            (Fault.REDIRECT_LOOP, "redirected too often"),
            (Fault.NOT_FOUND, "HTTP status 404"),
        )
    ),
    *(
        News(fault, "bad_response", "base", "server_error", f"not understood ({text})")
        for fault, text in (
            (Fault.SERVER_ERROR, "HTTP status 500"),
            (Fault.BAD_GATEWAY, "HTTP status 502"),
        )
    ),
]

every_news = pytest.mark.parametrize(
    "news", [pytest.param(news, id=news.fault.name.lower()) for news in NEWS]
)
# An answer's body does not matter to a request that does something.
every_refusal = pytest.mark.parametrize(
    "news",
    [
        pytest.param(news, id=news.fault.name.lower())
        for news in NEWS
        if news.fault
        in {
            Fault.UNAUTHORIZED,
            Fault.FORBIDDEN,
            Fault.DROP,
            Fault.MAINTENANCE,
            Fault.RATE_LIMITED_BARE,
            Fault.REDIRECT_ELSEWHERE,
            Fault.SERVER_ERROR,
            Fault.BAD_GATEWAY,
        }
    ],
)
