"""Recover a lost server: search for it, update its address, or tell the user."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from yarl import URL

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import CONF_ACCOUNT_TOKEN, DOMAIN, LOGGER, SEARCH_INTERVAL, SILENCE
from .helpers import (
    async_create_account,
    async_discover,
    async_find_address,
    markdown,
)
from .plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexTimeoutError,
    PlexTlsError,
    PlexWrongServerError,
    direct_url,
    normalize_url,
    read_certificate,
)

# With one of these errors the right server was reached: there is no need for a search.
_REACHED = (
    PlexAuthenticationError,
    PlexBusyError,
    PlexForbiddenError,
    PlexTimeoutError,
)
_ISSUES = ("certificate", "moved", "not_owner")


@dataclass
class _Loss:
    """A server that is or was lost: since when, and the search for it."""

    next_search: datetime
    since: datetime | None = None
    search: asyncio.Task[None] | None = None


# By entry id. It outlasts the entry's coordinator, which Home Assistant creates anew at
# each try to set the entry up.
_LOST: HassKey[dict[str, _Loss]] = HassKey(f"{DOMAIN}_lost")


@callback
def async_handle_success(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note that the server is not lost; end the search and delete its issues."""
    if loss := hass.data.get(_LOST, {}).get(entry.entry_id):
        loss.since = None
    async_stop(hass, entry)


@callback
def async_handle_failure(
    hass: HomeAssistant, entry: ConfigEntry, err: PlexError
) -> None:
    """Search for the server in the background if it was not reached.

    There is at most one search in SEARCH_INTERVAL.
    """
    if entry.state is ConfigEntryState.NOT_LOADED:
        return  # It was unloaded or removed before the answer came.
    if isinstance(err, PlexForbiddenError):
        _create_issue(hass, entry, "not_owner")
    if isinstance(err, _REACHED):
        return
    now = dt_util.utcnow()
    loss = hass.data.setdefault(_LOST, {}).setdefault(entry.entry_id, _Loss(now))
    loss.since = loss.since or now
    if now < loss.next_search:
        if isinstance(err, PlexWrongServerError):
            _create_issue(hass, entry, "moved")
        return
    loss.next_search = now + SEARCH_INTERVAL
    # Not a task of the entry, which ends when its setup fails.
    loss.search = hass.async_create_background_task(
        _search(hass, entry, err, loss.since), f"{entry.title} - search"
    )


@callback
def async_stop(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """End the search for a server, and delete its issues."""
    loss = hass.data.get(_LOST, {}).get(entry.entry_id)
    if loss and loss.search:
        loss.search.cancel()
    for key in _ISSUES:
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry.entry_id}")


async def async_update_url(
    hass: HomeAssistant, entry: ConfigEntry, urls: Iterable[str]
) -> bool:
    """Change the URL of an entry to the one that its server has moved to, if any.

    The server has not moved as long as it answers at its current URL. A secure URL is
    only ever replaced by another one. Returns whether the URL was changed.
    """
    current: str = entry.data[CONF_URL]
    candidates = [
        url
        for url in urls
        if url.startswith("https:") or not current.startswith("https:")
    ]
    if not candidates or entry.unique_id is None:
        return False
    url = await async_find_address(
        hass,
        [current, *candidates],
        entry.unique_id,
        verify_ssl=entry.data[CONF_VERIFY_SSL],
    )
    if url is None or str(url) == current:
        return False
    LOGGER.info("The address of %s has changed, and was updated", entry.title)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_URL: str(url)}
    )
    hass.config_entries.async_schedule_reload(entry.entry_id)
    return True


async def _search(
    hass: HomeAssistant, entry: ConfigEntry, err: PlexError, since: datetime
) -> None:
    """Search for a server; create an issue if that does not help.

    Addresses from plex.tv come first: only these are authenticated.
    """
    for find in (_at_plex_tv, _by_certificate, _on_network):
        if await async_update_url(hass, entry, await find(hass, entry)):
            return
    if isinstance(err, PlexTlsError):
        _create_issue(hass, entry, "certificate")
    elif isinstance(err, PlexWrongServerError) or (
        # Many servers sleep for hours.
        isinstance(err, PlexConnectionError) and dt_util.utcnow() - since >= SILENCE
    ):
        _create_issue(hass, entry, "moved")


async def _at_plex_tv(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the server's URLs that plex.tv lists for the account, if there is one."""
    if not (token := entry.data.get(CONF_ACCOUNT_TOKEN)):
        return []
    account = await async_create_account(hass)
    try:
        servers = await account.get_server_resources(token)
    except PlexError:
        return []
    return [
        url
        for server in servers
        if server.machine_identifier == entry.unique_id
        for url in server.urls
    ]


async def _by_certificate(_hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the URL that the certificate is valid for, which changes with it."""
    url = normalize_url(entry.data[CONF_URL])
    certificate = await read_certificate(url)
    if certificate is None or certificate.direct_hash is None or url.port is None:
        return []
    direct = direct_url(certificate.address, certificate.direct_hash, url.port)
    return [str(direct)] if direct else []


async def _on_network(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the server's URLs that a search of the network finds."""
    return [
        url
        for server in await async_discover(hass)
        if server.machine_identifier == entry.unique_id
        for url in server.urls
    ]


def _create_issue(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{key}_{entry.entry_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={
            "server": markdown(entry.title),
            "address": markdown(URL(entry.data[CONF_URL]).host or ""),
        },
    )
