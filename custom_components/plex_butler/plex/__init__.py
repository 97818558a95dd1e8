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
    PlexSettingError,
    PlexTimeoutError,
    PlexTlsError,
    PlexUnknownTaskError,
    PlexUrlError,
)
from .events import ActivityEvent, SettingEvent, StreamDown, StreamUp, listen
from .maintenance import Maintenance
from .models import (
    Activity,
    ButlerTask,
    ServerIdentity,
    Setting,
    SettingKind,
    SettingValue,
    StartResult,
    StopResult,
)
from .server import PlexServer
from .settings import Behavior, WindowSetting, is_butlers, kind_of, setting_of
from .url import normalize_url
from .watch import ButlerWatch, Run

__all__ = [
    "Activity",
    "ActivityEvent",
    "Behavior",
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
    "PlexSettingError",
    "PlexTimeoutError",
    "PlexTlsError",
    "PlexUnknownTaskError",
    "PlexUrlError",
    "Run",
    "ServerIdentity",
    "Setting",
    "SettingEvent",
    "SettingKind",
    "SettingValue",
    "StartResult",
    "StopResult",
    "StreamDown",
    "StreamUp",
    "WindowSetting",
    "is_butlers",
    "kind_of",
    "listen",
    "normalize_url",
    "setting_of",
]
