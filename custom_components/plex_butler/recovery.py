"""What happens when a server is lost: it is looked for, or the user is told."""

from datetime import datetime

from yarl import URL

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, SEARCH_INTERVAL, SILENCE
from .finding import async_find_again
from .helpers import markdown
from .plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexTimeoutError,
    PlexTlsError,
    PlexWrongServerError,
)

# Since when each entry's server is silent. Home Assistant makes everything else anew
# each time it tries to set an entry up.
_SILENT_SINCE: HassKey[dict[str, datetime]] = HassKey(f"{DOMAIN}_silent_since")

# Whoever answers like this is still the server, and still there.
_PRESENT = (
    PlexAuthenticationError,
    PlexBusyError,
    PlexForbiddenError,
    PlexTimeoutError,
)
_ISSUES = ("certificate", "moved", "not_owner")


class Recovery:
    """Gets one server back."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Remember whose server it is."""
        self._hass = hass
        self._entry = entry
        self._next_search: datetime | None = None

    @callback
    def succeed(self) -> None:
        """Take back what the user was told: all is well."""
        self._hass.data.setdefault(_SILENT_SINCE, {}).pop(self._entry.entry_id, None)
        async_delete_issues(self._hass, self._entry)

    async def fail(self, err: PlexError) -> None:
        """Look for the server, unless it is there; tell the user what is left to mend."""
        if isinstance(err, PlexForbiddenError):
            self._create_issue("not_owner")
        now = dt_util.utcnow()
        if isinstance(err, _PRESENT) or (self._next_search and now < self._next_search):
            return
        self._next_search = now + SEARCH_INTERVAL
        silent = self._hass.data.setdefault(_SILENT_SINCE, {})
        since = silent.setdefault(self._entry.entry_id, now)
        if await async_find_again(self._hass, self._entry):
            return
        if isinstance(err, PlexTlsError):
            self._create_issue("certificate")
        elif isinstance(err, PlexWrongServerError) or (
            # Many a server sleeps for hours.
            isinstance(err, PlexConnectionError) and now - since >= SILENCE
        ):
            self._create_issue("moved")

    def _create_issue(self, key: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            f"{key}_{self._entry.entry_id}",
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key=key,
            translation_placeholders={
                "server": markdown(self._entry.title),
                "address": markdown(URL(self._entry.data[CONF_URL]).host or ""),
            },
        )


@callback
def async_delete_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take back what the user was told of a server."""
    for key in _ISSUES:
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{entry.entry_id}")
