"""Constants of Butler for Plex."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "plex_butler"
# The token of plex.tv, of who signed in there. The server has one of its own.
CONF_ACCOUNT_TOKEN: Final = "account_token"  # noqa: S105 -- the name of one
# The client identifier that the tokens of an entry belong to: plex.tv revokes a token
# when its account signs in with the same identifier again.
CONF_CLIENT_IDENTIFIER: Final = "client_identifier"
# How the server proves its identity: by the hash in its plex.direct name or, where the
# certificate is not verified, by the SHA-256 fingerprint of that.
CONF_DIRECT_HASH: Final = "direct_hash"
CONF_FINGERPRINT: Final = "fingerprint"

LOGGER = logging.getLogger(__package__)
PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

# Tasks change their state by the hour when nothing runs, by the minute when one does.
IDLE_INTERVAL = timedelta(seconds=60)
BUSY_INTERVAL = timedelta(seconds=10)
# While the server tells by itself, polling only makes sure of it.
LIVE_INTERVAL = timedelta(minutes=5)

# Settings are many, and change rarely. It is a quarter of an hour between two polls that
# read them, of which the latter may come a little early.
SETTINGS_INTERVAL = timedelta(minutes=14, seconds=30)

# A request is looked after when Plex can show what it has set in motion, and often for a
# while.
LOOK_DELAY = 1.0
WATCH = timedelta(seconds=30)

# Progress that changes more often is written no more often (seconds).
PROGRESS_INTERVAL = 0.25

# A server deep in maintenance answers late or not at all; so many such answers in a
# row still say nothing.
TOLERATED_TIMEOUTS = 2

# A lost server is looked for no more often. After so long a silence, its address has
# probably changed, and the user is told.
SEARCH_INTERVAL = timedelta(minutes=5)
SILENCE = timedelta(days=1)
