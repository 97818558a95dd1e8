"""Refused tokens: plex.tv is asked for another one, then the user."""

from dataclasses import dataclass
from datetime import datetime

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import (
    CONF_ACCOUNT_TOKEN,
    DOMAIN,
    LOGGER,
    REFUSAL_DELAY,
    SEARCH_INTERVAL,
)
from .helpers import async_create_account
from .issues import async_create_issue
from .plex import PlexAuthenticationError, PlexError


@dataclass
class _Refusal:
    """A token that the server refuses or refused: since when, if it does.

    `next_question` is when plex.tv may be asked again.
    """

    next_question: datetime
    since: datetime | None = None


# By entry id. It outlasts the entry's coordinator, which Home Assistant creates anew at
# each try to set the entry up.
_REFUSED: HassKey[dict[str, _Refusal]] = HassKey(f"{DOMAIN}_refused")


def _refusal(hass: HomeAssistant, entry: ConfigEntry) -> _Refusal:
    refused = hass.data.setdefault(_REFUSED, {})
    return refused.setdefault(entry.entry_id, _Refusal(dt_util.utcnow()))


@callback
def async_handle_refusal(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Return whether the server has refused the token for some time.

    A server refuses a valid token, too, while it cannot reach plex.tv. If there is a
    token of the account, plex.tv decides whether the user has to sign in again.
    """
    now = dt_util.utcnow()
    refusal = _refusal(hass, entry)
    refusal.since = refusal.since or now
    if now - refusal.since < REFUSAL_DELAY:
        return False
    if not entry.data.get(CONF_ACCOUNT_TOKEN):
        entry.async_start_reauth(hass)
    return True


@callback
def async_forget_refusals(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget that the server refused the token; the next refusal is a first one."""
    _refusal(hass, entry).since = None


async def async_renew_token(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Store and return the token that plex.tv has for the server, if it is another one.

    There is at most one request in SEARCH_INTERVAL. Starts reauthentication if plex.tv
    refuses the token of the account.
    """
    refusal = _refusal(hass, entry)
    account_token: str | None = entry.data.get(CONF_ACCOUNT_TOKEN)
    if not account_token or dt_util.utcnow() < refusal.next_question:
        return None
    refusal.next_question = dt_util.utcnow() + SEARCH_INTERVAL
    account = await async_create_account(hass, entry.data)
    try:
        servers = await account.get_server_resources(account_token)
    except PlexAuthenticationError:
        if hass.config_entries.async_get_entry(entry.entry_id):
            entry.async_start_reauth(hass)
        return None
    except PlexError as err:
        LOGGER.debug("plex.tv was asked for the token of %s: %s", entry.title, err)
        return None
    tokens = [
        server.access_token
        for server in servers
        if server.owned and server.machine_identifier == entry.unique_id
    ]
    if not hass.config_entries.async_get_entry(entry.entry_id):
        return None  # It was removed before the answer came.
    if not tokens:
        async_create_issue(hass, entry, "not_owner")
    if not tokens or tokens[0] == entry.data[CONF_TOKEN]:
        return None
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_TOKEN: tokens[0]}
    )
    return tokens[0]
