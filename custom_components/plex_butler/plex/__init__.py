"""An asynchronous client for the Butler of a Plex Media Server.

It needs aiohttp and orjson and knows nothing of Home Assistant:

    server = PlexServer(session, "192.168.1.5", token)
    for task in await server.get_butler_tasks():
        print(task.title, task.enabled)
    await server.start_task("BackupDatabase")
"""

from .account import LINK_URL, AccountServer, Pin, PlexAccount
from .addresses import find_address
from .connection import ClientInfo
from .direct import Certificate, direct_url, read_certificate
from .discovery import DiscoveredServer, discover
from .errors import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHttpsRequiredError,
    PlexPinExpiredError,
    PlexRedirectError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
    PlexUnknownTaskError,
    PlexUrlError,
    PlexWrongServerError,
)
from .events import ActivityEvent, SettingEvent, StreamDown, StreamUp, listen
from .maintenance import Maintenance
from .models import Activity, ButlerTask, ServerIdentity, StartResult, StopResult
from .server import PlexServer
from .url import normalize_url
from .watch import ButlerWatch, Run

__all__ = [
    "LINK_URL",
    "AccountServer",
    "Activity",
    "ActivityEvent",
    "ButlerTask",
    "ButlerWatch",
    "Certificate",
    "ClientInfo",
    "DiscoveredServer",
    "Maintenance",
    "Pin",
    "PlexAccount",
    "PlexAuthenticationError",
    "PlexBusyError",
    "PlexConnectionError",
    "PlexError",
    "PlexForbiddenError",
    "PlexHttpsRequiredError",
    "PlexPinExpiredError",
    "PlexRedirectError",
    "PlexResponseError",
    "PlexServer",
    "PlexTimeoutError",
    "PlexTlsError",
    "PlexUnknownTaskError",
    "PlexUrlError",
    "PlexWrongServerError",
    "Run",
    "ServerIdentity",
    "SettingEvent",
    "StartResult",
    "StopResult",
    "StreamDown",
    "StreamUp",
    "direct_url",
    "discover",
    "find_address",
    "listen",
    "normalize_url",
    "read_certificate",
]
