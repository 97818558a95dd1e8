"""Constants of Butler for Plex."""

from datetime import timedelta
import logging
from typing import Final

DOMAIN: Final = "plex_butler"
LOGGER = logging.getLogger(__package__)

# Tasks change their state by the hour when nothing runs, by the minute when one does.
IDLE_INTERVAL = timedelta(seconds=60)
BUSY_INTERVAL = timedelta(seconds=10)

# How long Plex may take to show what a request has set in motion, and when it is looked
# at, safely later (seconds).
SETTLE = 0.8
LOOK_DELAY = 1.0
# How long after a request the Butler is looked at more often (seconds).
WATCH = 30.0

# A server deep in maintenance answers late or not at all; so many such answers in a
# row still say nothing.
TOLERATED_TIMEOUTS = 2
