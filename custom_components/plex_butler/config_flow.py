"""Setting up a server, and mending its address or token later."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .client import async_create_server
from .const import DOMAIN
from .errors import flow_error
from .options_flow import PlexButlerOptionsFlow
from .plex import PlexError

TOKEN_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))

# Not of type URL: browsers would refuse the bare "192.168.1.5" that is fine here.
SERVER_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_URL): TextSelector(),
        vol.Optional(CONF_TOKEN): TOKEN_SELECTOR,
        vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
    }
)

TOKEN_SCHEMA = vol.Schema({vol.Required(CONF_TOKEN): TOKEN_SELECTOR})


class PlexButlerConfigFlow(ConfigFlow, domain=DOMAIN):
    """Handle the config flow of Butler for Plex."""

    VERSION = 1

    _server_name: str

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> PlexButlerOptionsFlow:
        """Return the flow of the options."""
        return PlexButlerOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address and token of a server."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = await self._async_check(user_input)
            if not errors:
                self._abort_if_unique_id_configured()
                return self.async_create_entry(title=self._server_name, data=data)
        return self._show("user", SERVER_SCHEMA, user_input, errors)

    async def async_step_reauth(
        self, _entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Handle a token that the server no longer takes."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new token of the same server."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = await self._async_check({**entry.data, **user_input})
            if not errors:
                self._abort_if_unique_id_mismatch(reason="wrong_server")
                return self.async_update_reload_and_abort(entry, data=data)
            # The address cannot be mended in this form.
            if CONF_URL in errors:
                errors = {"base": errors[CONF_URL]}
        return self._show("reauth_confirm", TOKEN_SCHEMA, user_input, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the address, token or verification of the same server."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            # The stored token is not sent to the browser: left empty, it stays.
            data, errors = await self._async_check({**entry.data, **user_input})
            if not errors:
                self._abort_if_unique_id_mismatch(reason="wrong_server")
                return self.async_update_reload_and_abort(entry, data=data)
        suggested = user_input or {
            key: entry.data[key] for key in (CONF_URL, CONF_VERIFY_SSL)
        }
        return self._show("reconfigure", SERVER_SCHEMA, suggested, errors)

    async def _async_check(
        self, data: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the data to store, or the errors, after talking to the server.

        Sets the unique ID and the server's name.
        """
        token = data.get(CONF_TOKEN, "").strip()
        data = {
            CONF_URL: data[CONF_URL],
            CONF_TOKEN: token or None,
            CONF_VERIFY_SSL: data[CONF_VERIFY_SSL],
        }
        try:
            server = await async_create_server(self.hass, data)
            identity = await server.get_identity()
            name = await server.get_name()
            # Any user of a server may read its name, but only its owner this.
            await server.get_butler_tasks()
        except PlexError as err:
            return data, flow_error(err)
        await self.async_set_unique_id(
            identity.machine_identifier, raise_on_progress=False
        )
        self._server_name = name or server.url.host or ""
        return {**data, CONF_URL: str(server.url)}, {}

    def _show(
        self,
        step_id: str,
        schema: vol.Schema,
        suggested: Mapping[str, Any] | None,
        errors: dict[str, str],
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, suggested),
            errors=errors,
        )
