"""Finding the address at which a server answers."""

import asyncio
from collections.abc import Iterable

import aiohttp
from yarl import URL

from .connection import ClientInfo
from .direct import CONNECT_TIMEOUT
from .errors import PlexError
from .server import PlexServer

# A real server has few.
MAX_ADDRESSES = 32


async def find_address(
    session: aiohttp.ClientSession,
    urls: Iterable[str],
    machine_identifier: str,
    *,
    client: ClientInfo | None = None,
) -> URL | None:
    """Return the first of some URLs at which a server answers.

    `GET /identity` is sent to all of them at once, without a token, because some may
    belong to other machines. Servers that take longer than a few seconds are skipped.
    """

    async def check(url: str) -> URL | None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                server = PlexServer(
                    session, url, machine_identifier=machine_identifier, client=client
                )
                await server.get_identity()
        except PlexError, TimeoutError:
            return None
        return server.url

    # Discovery and plex.tv often return the same address.
    wanted = list(dict.fromkeys(urls))[:MAX_ADDRESSES]
    checks = [asyncio.ensure_future(check(url)) for url in wanted]
    try:
        for result in checks:
            if url := await result:
                return url
    finally:
        for result in checks:
            result.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
    return None
