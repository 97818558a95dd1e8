"""Start a Home Assistant whose Butler for Plex asks simulators, not plex.tv or a network.

Where plex.tv is and how a network is searched is fixed in the product: no setting of it
can send anybody's sign-in elsewhere. So it is changed from outside, before Home
Assistant loads it. A server can also be announced, as if it had been discovered. All
other arguments are Home Assistant's own.
"""

from argparse import ArgumentParser
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from ipaddress import ip_address
import sys
from unittest.mock import patch

from yarl import URL

from custom_components import plex_butler
from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex import account, discovery
from homeassistant.__main__ import main
from homeassistant.config_entries import SOURCE_ZEROCONF, ConfigFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.helpers.discovery_flow import async_create_flow
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.helpers.typing import ConfigType

from .home import HOST

type Setup = Callable[[HomeAssistant, ConfigType], Awaitable[bool]]

SERVICE = "_plexmediasvr._tcp.local."


def _announcing(setup: Setup, port: int) -> Setup:
    """Return a setup of the integration that also discovers the server at a port."""
    found = ZeroconfServiceInfo(
        ip_address=ip_address(HOST),
        ip_addresses=[ip_address(HOST)],
        port=port,
        hostname="cellar.local.",
        type=SERVICE,
        name=f"Cellar.{SERVICE}",
        properties={},
    )

    async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
        context = ConfigFlowContext(source=SOURCE_ZEROCONF)
        async_create_flow(hass, DOMAIN, context, found)
        return await setup(hass, config)

    return async_setup


def _launch() -> int:
    parser = ArgumentParser(prog="python -m tests.e2e.launch", allow_abbrev=False)
    parser.add_argument("--plex-tv", type=URL, required=True)
    parser.add_argument("--gdm", type=int, metavar="PORT", required=True)
    parser.add_argument("--announced", type=int, metavar="PORT")
    arguments, sys.argv[1:] = parser.parse_known_args()
    plex_tv = arguments.plex_tv / "api/v2"
    with (
        patch.object(account, "PLEX_TV_URL", plex_tv),
        patch.object(account, "PLEX_TV_CLIENTS_URL", plex_tv),
        patch.object(discovery, "GDM_ADDRESS", (HOST, arguments.gdm)),
        ExitStack() as stack,
    ):
        if arguments.announced:
            setup = _announcing(plex_butler.async_setup, arguments.announced)
            stack.enter_context(patch.object(plex_butler, "async_setup", setup))
        return main()


if __name__ == "__main__":
    sys.exit(_launch())
