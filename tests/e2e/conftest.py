"""What the end-to-end tests share."""

import re
import socket

import pytest

from .home import HOST, PYTHON, HomeAssistant

DOMAIN = "plex_butler"
# What Home Assistant says of every custom integration.
UNTESTED = "We found a custom integration plex_butler which has not been tested"
# What Home Assistant says if a page is closed while a large message is sent to it.
PAGE_CLOSED = "ClientConnectionResetError exception in shielded future"

needs_home = pytest.mark.skipif(
    not PYTHON.exists(), reason="`scripts/setup --home` makes .venv-home first"
)


@pytest.fixture
def port(socket_enabled: None) -> int:
    """A port for Home Assistant that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def check_log(home: HomeAssistant, *secrets: str | None) -> None:
    """Nothing went wrong, nothing is deprecated, and no secret is written down."""
    log = home.console.read_text()
    assert [secret for secret in secrets if secret is None or secret in log] == []
    errors = re.findall(r"^\S+ \S+ (?:ERROR|CRITICAL) .*", log, re.MULTILINE)
    assert [error for error in errors if PAGE_CLOSED not in error] == []
    warnings = re.findall(r"^\S+ \S+ WARNING .*", log, re.MULTILINE)
    ours = [warning for warning in warnings if DOMAIN in warning]
    assert [warning for warning in ours if UNTESTED not in warning] == []
    # The untested integration is what was tested here.
    assert len(ours) == 1
