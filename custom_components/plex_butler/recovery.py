"""Recover a lost server: search for it, or tell the user."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, SEARCH_INTERVAL, SILENCE
from .helpers import async_discover
from .issues import async_create_issue, async_delete_issues
from .moves import REACHED, async_follow
from .plex import (
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexTlsError,
    PlexWrongServerError,
    direct_url,
    normalize_url,
    read_certificate,
)


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
        async_create_issue(hass, entry, "not_owner")
    if isinstance(err, REACHED):
        return
    now = dt_util.utcnow()
    loss = hass.data.setdefault(_LOST, {}).setdefault(entry.entry_id, _Loss(now))
    loss.since = loss.since or now
    if now < loss.next_search:
        if isinstance(err, PlexWrongServerError):
            async_create_issue(hass, entry, "moved")
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
        # It would keep the error, and with that a coordinator that is shut down.
        loss.search = None
    async_delete_issues(hass, entry)


async def _search(
    hass: HomeAssistant, entry: ConfigEntry, err: PlexError, since: datetime
) -> None:
    """Search for a server; create an issue if that does not help."""
    urls = [*await _by_certificate(entry), *await _on_network(hass, entry)]
    if await async_follow(hass, entry, urls):
        return
    if isinstance(err, PlexTlsError):
        async_create_issue(hass, entry, "certificate")
    elif isinstance(err, PlexWrongServerError) or (
        # Many servers sleep for hours.
        isinstance(err, PlexConnectionError) and dt_util.utcnow() - since >= SILENCE
    ):
        async_create_issue(hass, entry, "moved")


async def _by_certificate(entry: ConfigEntry) -> list[str]:
    """Return the URL that the server's certificate is valid for, which changes with it.

    If it need not be valid, that is the URL as it is.
    """
    url = normalize_url(entry.data[CONF_URL])
    if url.scheme == "https" and not entry.data[CONF_VERIFY_SSL]:
        return [entry.data[CONF_URL]]
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
