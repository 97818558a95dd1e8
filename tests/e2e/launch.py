"""Start a Home Assistant whose Butler for Plex asks simulators, not plex.tv or a network.

Where plex.tv is and how a network is searched is fixed in the product: no setting of it
can send anybody's sign-in elsewhere. So it is changed from outside, before Home
Assistant loads it. All other arguments are Home Assistant's own.
"""

from argparse import ArgumentParser
import sys
from unittest.mock import patch

from yarl import URL

from custom_components.plex_butler.plex import account, discovery
from homeassistant.__main__ import main

from .home import HOST


def _launch() -> int:
    parser = ArgumentParser(prog="python -m tests.e2e.launch", allow_abbrev=False)
    parser.add_argument("--plex-tv", type=URL, required=True)
    parser.add_argument("--gdm", type=int, metavar="PORT", required=True)
    arguments, sys.argv[1:] = parser.parse_known_args()
    plex_tv = arguments.plex_tv / "api/v2"
    with (
        patch.object(account, "PLEX_TV_URL", plex_tv),
        patch.object(account, "PLEX_TV_CLIENTS_URL", plex_tv),
        patch.object(discovery, "GDM_ADDRESS", (HOST, arguments.gdm)),
    ):
        return main()


if __name__ == "__main__":
    sys.exit(_launch())
