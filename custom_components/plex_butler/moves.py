"""Where a lost server may have moved to.

A machineIdentifier is public: any machine on the network can show it, and announce an
address of its own. So an address is used only where a verified certificate or plex.tv
vouches for it. The user confirms any other, before the token is sent there.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum, auto
from typing import Any

from yarl import URL

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback

from .const import (
    CONF_ACCOUNT_TOKEN,
    CONF_DIRECT_HASH,
    CONF_FINGERPRINT,
    LOGGER,
)
from .errors import TEMPORARY_ERRORS
from .helpers import (
    async_create_account,
    async_create_server,
    async_find_address,
    async_read_fingerprint,
)
from .issues import async_ask
from .plex import (
    PlexAuthenticationError,
    PlexError,
    PlexForbiddenError,
    direct_address,
    direct_hash_of,
    direct_url,
)

# With one of these errors the server was reached, or may only be slow: it has not moved.
REACHED = (*TEMPORARY_ERRORS, PlexAuthenticationError, PlexForbiddenError)


class Verdict(Enum):
    """What to do with an address at which a lost server may be."""

    USE = auto()
    """Use it, if its certificate is valid."""
    IGNORE = auto()
    ASK = auto()
    """Ask the user."""


def judge(data: Mapping[str, Any], url: str, listed: Collection[str] | None) -> Verdict:
    """Return what to do with an address for the server of an entry with this data.

    `listed` are the addresses that plex.tv lists for the server; None if plex.tv was not
    asked, or did not answer. Where else an address comes from does not matter.
    """
    if url.startswith("https:"):
        direct_hash = direct_hash_of(url)
        if direct_hash and direct_hash == data.get(CONF_DIRECT_HASH):
            return Verdict.USE
        if listed is not None and url in listed:
            return Verdict.USE
    # At its own address, a server may have another certificate.
    if listed is not None and url not in (*listed, data[CONF_URL]):
        return Verdict.IGNORE
    return Verdict.ASK


async def async_follow(
    hass: HomeAssistant, entry: ConfigEntry, urls: Iterable[str]
) -> bool:
    """Update the address of a lost server, or ask the user about it.

    `urls` are addresses that anybody may have announced. Returns False if the server is
    not lost, or was not found, or is not used any more.
    """
    if (
        entry.unique_id is None
        or not _is_used(hass, entry)
        or await _is_reached(hass, entry)
    ):
        return False
    listed = await _listed_urls(hass, entry)
    urls = [*urls]
    urls = [*(listed or ()), *_by_stored_hash(entry.data, urls), *urls]
    verdicts = {url: judge(entry.data, url, listed) for url in urls}
    use = [url for url, verdict in verdicts.items() if verdict is Verdict.USE]
    if url := await async_find_address(hass, use, entry.unique_id):
        found = {CONF_URL: str(url), CONF_VERIFY_SSL: True}
        if not _is_news(hass, entry, found):
            return False
        LOGGER.info("The address of %s has changed, and was updated", entry.title)
        async_move(hass, entry, found)
        return True
    ask = [url for url, verdict in verdicts.items() if verdict is Verdict.ASK]
    verify_ssl: bool = entry.data[CONF_VERIFY_SSL]
    url = await async_find_address(hass, ask, entry.unique_id, verify_ssl=verify_ssl)
    if url is None:
        return False
    found = {CONF_URL: str(url), CONF_VERIFY_SSL: verify_ssl}
    found |= await async_read_fingerprint(found)
    if not _is_news(hass, entry, found):
        return False
    async_ask(hass, entry, found)
    return True


@callback
def async_move(
    hass: HomeAssistant, entry: ConfigEntry, found: Mapping[str, Any]
) -> None:
    """Change the address of an entry to where its server was found, and reload it."""
    data = {**entry.data, **found}
    if CONF_FINGERPRINT not in found:
        data.pop(CONF_FINGERPRINT, None)
    data.pop(CONF_DIRECT_HASH, None)
    if data[CONF_VERIFY_SSL] and (direct_hash := direct_hash_of(data[CONF_URL])):
        data[CONF_DIRECT_HASH] = direct_hash
    hass.config_entries.async_update_entry(entry, data=data)
    hass.config_entries.async_schedule_reload(entry.entry_id)


def _by_stored_hash(data: Mapping[str, Any], urls: Iterable[str]) -> list[str]:
    """Return the URLs at the same addresses, with the stored plex.direct hash.

    What announces an address may give no hash, or one that is wrong.
    """
    if not (hash_ := data.get(CONF_DIRECT_HASH)):
        return []
    places = [
        (direct_address(url.host) or url.host or "", url.port or 0)
        for url in map(URL, urls)
    ]
    found = [direct_url(address, hash_, port) for address, port in places]
    return [str(url) for url in found if url]


def _is_used(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Return whether an entry is set up or is to be, and was not removed or disabled."""
    known = hass.config_entries.async_get_entry(entry.entry_id)
    return known is not None and entry.state is not ConfigEntryState.NOT_LOADED


def _is_news(hass: HomeAssistant, entry: ConfigEntry, found: dict[str, Any]) -> bool:
    """Return whether a used server was found elsewhere, not back at its old address."""
    return _is_used(hass, entry) and not found.items() <= entry.data.items()


async def _is_reached(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Return whether the server is still at its address; it may be slow there."""
    try:
        server = await async_create_server(hass, entry.data, entry.unique_id)
        await server.get_identity()
    except REACHED:
        return True
    except PlexError:
        return False
    return True


async def _listed_urls(
    hass: HomeAssistant, entry: ConfigEntry
) -> tuple[str, ...] | None:
    """Return the addresses that plex.tv lists for the server of an entry.

    Returns None if nobody signed in with plex.tv, or plex.tv does not answer.
    """
    if not (token := entry.data.get(CONF_ACCOUNT_TOKEN)):
        return None
    account = await async_create_account(hass, entry.data)
    try:
        servers = await account.get_server_resources(token)
    except PlexError:
        return None
    return next(
        (
            server.urls
            for server in servers
            if server.owned and server.machine_identifier == entry.unique_id
        ),
        (),
    )
