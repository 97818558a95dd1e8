"""Stand-ins for Plex: real servers to test against.

Tests use them in their own event loop::

    async with PlexSimulator() as plex:
        server = PlexServer(session, plex.url, plex.token)

and ``python -m tests.simulator`` serves them from a shell.

* `PlexSimulator`: a Plex Media Server
* `PlexTvSimulator`: plex.tv, where one signs in and finds one's servers
* `GdmResponder`: what answers a search for servers on the network
* `Authority`: makes the certificates a Plex Media Server has
"""

from .account import AccountConnection, AccountServer
from .activities import RunShape
from .butler import RowMode
from .certificates import Authority, direct_name
from .default_settings import default_settings
from .faults import Fault
from .gdm import GdmResponder, GdmServer
from .plex_tv import PlexTvSimulator
from .recording import RecordedRequest
from .server import PlexSimulator
from .settings import SimulatedSetting
from .tasks import SimulatedTask, default_tasks

__all__ = [
    "AccountConnection",
    "AccountServer",
    "Authority",
    "Fault",
    "GdmResponder",
    "GdmServer",
    "PlexSimulator",
    "PlexTvSimulator",
    "RecordedRequest",
    "RowMode",
    "RunShape",
    "SimulatedSetting",
    "SimulatedTask",
    "default_settings",
    "default_tasks",
    "direct_name",
]
