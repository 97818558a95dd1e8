"""Constants of Butler for Plex."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "plex_butler"
# The token of a plex.tv account. The server's own token is CONF_TOKEN.
CONF_ACCOUNT_TOKEN: Final = "account_token"  # noqa: S105 -- the name of a key
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
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

IDLE_INTERVAL = timedelta(seconds=60)
# While a task runs, or may have been started: two reads show that it has ended.
BUSY_INTERVAL = timedelta(seconds=5)
# While the server pushes changes, polling is only a safety net.
LIVE_INTERVAL = timedelta(minutes=5)
SETTINGS_INTERVAL = timedelta(minutes=15)

# The server is read this long after a request, when Plex can show its effect (seconds),
# and more often for some time.
REFRESH_DELAY = 1.0
FAST_POLLING = timedelta(seconds=30)

# Changes of progress alone are written no more often (seconds).
PROGRESS_INTERVAL = 5.0
# While the server floods this client with changes, states are written no more often
# (seconds), after the first few: those of so many seconds may come at once. At most so
# many runs are then reported together.
FLOOD_INTERVAL = 0.25
FLOOD_BURST = 8 * FLOOD_INTERVAL
FLOOD_RUNS = 64

# A server deep in maintenance may answer late or not at all: so many failures in a row
# change nothing.
TOLERATED_FAILURES = 2

# A server may refuse a valid token for a moment. Polls that are a minute apart may come
# a little earlier.
REFUSAL_DELAY = timedelta(seconds=55)
# Between two polls while the server refuses the token.
REFUSED_INTERVAL = timedelta(minutes=5)

# Between two searches for a lost server.
SEARCH_INTERVAL = timedelta(minutes=5)
# After so long without an answer, the address has probably changed: tell the user.
SILENCE = timedelta(days=1)
