"""Translate Plex errors for polls, actions and the config flow."""

from datetime import timedelta
from http import HTTPStatus

from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.exceptions import (
    ConfigEntryError,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHttpsRequiredError,
    PlexResponseError,
    PlexServerError,
    PlexSettingError,
    PlexTimeoutError,
    PlexTlsError,
    PlexUnknownTaskError,
    PlexUrlError,
    PlexWrongServerError,
)

_KEYS: dict[type[PlexError], str] = {
    PlexAuthenticationError: "invalid_auth",
    PlexForbiddenError: "not_owner",
    PlexConnectionError: "cannot_connect",
    PlexTlsError: "ssl_error",
    PlexHttpsRequiredError: "https_required",
    PlexBusyError: "server_busy",
    PlexResponseError: "bad_response",
    PlexUnknownTaskError: "unknown_task",
    PlexWrongServerError: "wrong_server",
    PlexSettingError: "setting_refused",
}

# The placeholder of the error's own text, where it is a name.
_NAMES = {"unknown_task": "task", "setting_refused": "setting"}

# The field of the form in which the error can be corrected.
_FIELDS = {
    "invalid_auth": CONF_TOKEN,
    "not_owner": CONF_TOKEN,
    "server_busy": "base",
    "server_error": "base",
}

# Errors of a server that is busy or slow, but not lost.
TEMPORARY_ERRORS = (PlexBusyError, PlexServerError, PlexTimeoutError)


def _key(err: PlexError) -> str:
    return next(_KEYS[cls] for cls in type(err).__mro__ if cls in _KEYS)


def _translate[T: HomeAssistantError](error: type[T], err: PlexError, server: str) -> T:
    key = _key(err)
    return error(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"server": server, _NAMES.get(key, "error"): str(err)},
    )


def poll_error(err: PlexError, server: str) -> HomeAssistantError:
    """Return the error that a failed poll raises."""
    if isinstance(err, PlexForbiddenError):
        return _translate(ConfigEntryError, err, server)
    error = _translate(UpdateFailed, err, server)
    if isinstance(err, PlexBusyError):
        error.retry_after = err.retry_after
    return error


def is_temporary(err: PlexError) -> bool:
    """Return whether the next poll may well succeed.

    While a change of a setting is new, a server may refuse anything (400).
    """
    status = err.status if isinstance(err, PlexResponseError) else None
    return isinstance(err, TEMPORARY_ERRORS) or status == HTTPStatus.BAD_REQUEST


def retry_delay(err: PlexError) -> timedelta | None:
    """Return the time that a busy server asked to be left alone for, if it did."""
    if isinstance(err, PlexBusyError) and err.retry_after is not None:
        return timedelta(seconds=err.retry_after)
    return None


def action_error(err: PlexError, server: str) -> HomeAssistantError:
    """Return the error that a failed button press or action raises."""
    if isinstance(err, PlexUnknownTaskError):
        return _translate(ServiceValidationError, err, server)
    return _translate(HomeAssistantError, err, server)


def flow_error(err: PlexError) -> dict[str, str]:
    """Return the errors of a form: the field and the translation key."""
    if isinstance(err, PlexUrlError):
        key = err.reason
    elif isinstance(err, PlexResponseError):
        key = "not_plex" if err.status in (None, 404) else "server_error"
    else:
        key = _key(err)
    return {_FIELDS.get(key, CONF_URL): key}
