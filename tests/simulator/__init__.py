"""A stand-in for a Plex Media Server: a real HTTP server to test against.

Tests use it in their own event loop::

    async with PlexSimulator() as plex:
        server = PlexServer(session, plex.url, plex.token)

and ``python -m tests.simulator`` serves it from a shell.
"""

from .activities import RunShape
from .default_settings import default_settings
from .faults import Fault
from .recording import RecordedRequest
from .server import PlexSimulator
from .settings import SimulatedSetting
from .tasks import SimulatedTask, default_tasks

__all__ = [
    "Fault",
    "PlexSimulator",
    "RecordedRequest",
    "RunShape",
    "SimulatedSetting",
    "SimulatedTask",
    "default_settings",
    "default_tasks",
]
