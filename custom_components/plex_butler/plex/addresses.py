"""Which of many addresses is a server's."""

import asyncio
from collections.abc import Iterable

import aiohttp
from yarl import URL

from .connection import ClientInfo
from .direct import CONNECT_TIMEOUT
from .errors import PlexError
from .server import PlexServer

# A server behind all of them has few; a list without an end is nobody's.
MAX_ADDRESSES = 32


async def find_address(
    session: aiohttp.ClientSession,
    urls: Iterable[str],
    machine_identifier: str,
    *,
    client: ClientInfo | None = None,
) -> URL | None:
    """Return the first of some URLs at which a certain server answers.

    All are asked at once who they are (`GET /identity`), without a token: not each of
    them is the server's. Who takes longer than a few seconds is passed over.
    """

    async def ask(url: str) -> URL | None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                server = PlexServer(session, url, client=client)
                await server.get_identity(machine_identifier)
        except PlexError, TimeoutError:
            return None
        return server.url

    # Each once: discovery and plex.tv often tell the same address again.
    wanted = list(dict.fromkeys(urls))[:MAX_ADDRESSES]
    asked = [asyncio.ensure_future(ask(url)) for url in wanted]
    try:
        for answer in asked:
            if url := await answer:
                return url
    finally:
        for answer in asked:
            answer.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    return None
