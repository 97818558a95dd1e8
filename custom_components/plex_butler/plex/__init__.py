"""An asynchronous client for the Butler of a Plex Media Server.

It needs aiohttp and orjson, but not Home Assistant:

    server = PlexServer(session, "192.168.1.5", token)
    for task in await server.get_butler_tasks():
        print(task.name, task.enabled)
    await server.start_task("BackupDatabase")
"""

from .account import LINK_URL, AccountServer, Pin, PlexAccount
from .addresses import find_address
from .butler_settings import (
    Behavior,
    is_butler_setting,
    setting_id_for_task,
    setting_kind_for_task,
)
from .connection import ClientInfo
from .direct import (
    Certificate,
    direct_address,
    direct_hash_of,
    direct_url,
    read_certificate,
)
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
    PlexServerError,
    PlexSettingError,
    PlexTimeoutError,
    PlexTlsError,
    PlexUnknownTaskError,
    PlexUrlError,
    PlexWrongServerError,
)
from .events import ActivityEvent, Notifications, StreamDown, StreamUp, listen
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
    WindowSetting,
)
from .observations import Observations
from .server import PlexServer
from .url import normalize_url
from .watch import ButlerWatch, Run
from .window import MaintenanceWindow, maintenance_window
