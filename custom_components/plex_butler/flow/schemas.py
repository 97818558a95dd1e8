"""Forms of the config flow, and the data expected of Plex integration entries."""

from typing import Final

import voluptuous as vol

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

CONF_SERVER: Final = "server"

# Not of type URL: browsers would refuse the bare "192.168.1.5", which is valid here.
_URL = {vol.Required(CONF_URL): TextSelector()}
_TOKEN = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_VERIFY_SSL = {vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector()}

# The forms that lead to an attempt to connect, by step.
CONNECTION_FORMS: Final = {
    "address": vol.Schema(_URL | _VERIFY_SSL),
    "manual": vol.Schema(_URL | {vol.Optional(CONF_TOKEN): _TOKEN} | _VERIFY_SSL),
    "token": vol.Schema({vol.Required(CONF_TOKEN): _TOKEN}),
}

# The part of a Plex integration entry that is used.
PLEX_ENTRY: Final = vol.Schema(
    {
        vol.Required("server"): str,
        vol.Required("server_id"): str,
        vol.Required("server_config"): vol.Schema(
            {
                vol.Required(CONF_URL): str,
                vol.Optional(CONF_TOKEN, default=None): vol.Any(str, None),
                vol.Optional(CONF_VERIFY_SSL, default=True): bool,
            },
            extra=vol.REMOVE_EXTRA,
        ),
    },
    extra=vol.REMOVE_EXTRA,
)


def server_schema(servers: dict[str, str]) -> vol.Schema:
    """Return a form with a list of servers: their labels by machineIdentifier.

    A single server is selected already.
    """
    options = [
        SelectOptionDict(value=identifier, label=label)
        for identifier, label in servers.items()
    ]
    only = next(iter(servers)) if len(servers) == 1 else vol.UNDEFINED
    return vol.Schema(
        {
            vol.Required(CONF_SERVER, default=only): SelectSelector(
                SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
            )
        }
    )
