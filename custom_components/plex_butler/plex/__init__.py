"""An asynchronous client for the Butler of a Plex Media Server.

It needs aiohttp and orjson and knows nothing of Home Assistant:

    server = PlexServer(session, "192.168.1.5", token)
    for task in await server.get_butler_tasks():
        print(task.title, task.enabled)
    await server.start_task("BackupDatabase")
"""

from .connection import ClientInfo
from .errors import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHttpsRequiredError,
    PlexRedirectError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
    PlexUnknownTaskError,
    PlexUrlError,
)
from .events import ActivityEvent, SettingEvent, StreamDown, StreamUp, listen
from .maintenance import Maintenance
from .models import Activity, ButlerTask, ServerIdentity, StartResult, StopResult
from .server import PlexServer
from .url import normalize_url
from .watch import ButlerWatch, Run

__all__ = [
    "Activity",
    "ActivityEvent",
    "ButlerTask",
    "ButlerWatch",
    "ClientInfo",
    "Maintenance",
    "PlexAuthenticationError",
    "PlexBusyError",
    "PlexConnectionError",
    "PlexError",
    "PlexForbiddenError",
    "PlexHttpsRequiredError",
    "PlexRedirectError",
    "PlexResponseError",
    "PlexServer",
    "PlexTimeoutError",
    "PlexTlsError",
    "PlexUnknownTaskError",
    "PlexUrlError",
    "Run",
    "ServerIdentity",
    "SettingEvent",
    "StartResult",
    "StopResult",
    "StreamDown",
    "StreamUp",
    "listen",
    "normalize_url",
]
