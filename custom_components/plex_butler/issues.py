"""Repair issues of a server."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .helpers import markdown
from .plex import normalize_url

_KEYS = ("certificate", "moved", "new_address", "new_certificate", "not_owner")


@callback
def async_create_issue(hass: HomeAssistant, entry: ConfigEntry, key: str) -> None:
    """Create an issue that the user solves by reconfiguring the server."""
    host = normalize_url(entry.data[CONF_URL]).host
    _create(hass, entry, key, {"address": markdown(host or "")})


@callback
def async_ask(hass: HomeAssistant, entry: ConfigEntry, found: dict[str, Any]) -> None:
    """Ask the user whether a lost server is where it was found.

    `found` are the changes of the entry's data that follow if the user confirms it.
    """
    old, new = entry.data[CONF_URL], found[CONF_URL]
    key = "new_certificate" if new == old else "new_address"
    data = {"entry_id": entry.entry_id, **found}
    for other in _KEYS:
        issue = ir.async_get(hass).async_get_issue(DOMAIN, _issue_id(entry, other))
        if issue and issue.active and issue.data != data:
            # Also one that was ignored, if it was about another address.
            ir.async_delete_issue(hass, DOMAIN, issue.issue_id)
    placeholders = {
        # Titles are plain text, unlike descriptions.
        "name": entry.title,
        "old": markdown(old),
        "new": markdown(new),
    }
    _create(hass, entry, key, placeholders, data)


def _create(
    hass: HomeAssistant,
    entry: ConfigEntry,
    key: str,
    placeholders: dict[str, str],
    data: dict[str, Any] | None = None,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry, key),
        data=data,
        is_fixable=data is not None,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={"server": markdown(entry.title), **placeholders},
    )


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete all issues about a server."""
    for key in _KEYS:
        ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, key))


def _issue_id(entry: ConfigEntry, key: str) -> str:
    return f"{key}_{entry.entry_id}"
