"""Setting up a server in one of four ways, and mending its connection later."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .const import DOMAIN
from .finding import async_follow
from .flow.options import PlexButlerOptionsFlow
from .helpers import async_discover, async_find_address, async_identify, markdown
from .plex import DiscoveredServer
from .plex_tv_flow import CONF_SERVER, PlexTvFlow, server_schema

# What is needed of an entry of the Plex integration.
_PLEX_ENTRY = vol.Schema(
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


class PlexButlerConfigFlow(PlexTvFlow, domain=DOMAIN):
    """Handle the config flow of Butler for Plex."""

    _plex: Mapping[str, dict[str, Any]]
    _found: Mapping[str, DiscoveredServer]

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> PlexButlerOptionsFlow:
        """Return the flow of the options."""
        return PlexButlerOptionsFlow()

    @override
    async def async_step_user(self, _: object = None) -> ConfigFlowResult:
        """Ask which way to go."""
        ways = ["network", "plex_tv", "manual"]
        self._plex = self._plex_servers()
        if self._plex:
            ways.insert(0, "plex")
        # Plain text here, unlike in descriptions.
        names = ", ".join(server["server"] for server in self._plex.values())
        return self._show_menu("user", *ways, names=names)

    # A server of Home Assistant's own Plex integration

    def _plex_servers(self) -> dict[str, dict[str, Any]]:
        """Return what the Plex integration knows of servers not set up here."""
        known = self._async_current_ids(include_ignore=False)
        servers = {}
        for entry in self.hass.config_entries.async_entries("plex"):
            try:
                server = _PLEX_ENTRY(dict(entry.data))
            except vol.Invalid:  # Its format is not ours, and may change.
                continue
            if server["server_id"] not in known:
                servers[server["server_id"]] = server
        return servers

    async def async_step_plex(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take over what the Plex integration knows."""
        if user_input is None and len(self._plex) > 1:
            return self.async_show_form(
                step_id="plex",
                data_schema=server_schema(
                    {key: server["server"] for key, server in self._plex.items()}
                ),
            )
        key = user_input[CONF_SERVER] if user_input else next(iter(self._plex))
        self._machine_identifier = key
        self._server_name = self._plex[key]["server"]
        self._data = self._plex[key]["server_config"]
        self._own_token = self._data[CONF_TOKEN]
        return await self._async_connect()

    # A server found on the network

    async def async_step_network(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Search, and choose what was found."""
        if user_input is not None:
            return await self._async_approach(self._found[user_input[CONF_SERVER]])
        found = {
            server.machine_identifier: server
            for server in await async_discover(self.hass)
        }
        for entry in self._async_current_entries(include_ignore=False):
            if server := found.pop(entry.unique_id or "", None):
                await async_follow(self.hass, entry, server.urls)
        if not found:
            return await self.async_step_nothing_found()
        self._found = found
        return self.async_show_form(
            step_id="network",
            data_schema=server_schema(
                {
                    key: f"{server.name} ({server.address})"
                    for key, server in found.items()
                }
            ),
        )

    async def async_step_nothing_found(self, _: object = None) -> ConfigFlowResult:
        """Say that no server answered which is not set up."""
        return self._show_menu("nothing_found", "network", "plex_tv", "manual")

    @override
    async def async_step_zeroconf(
        self, discovery_info: ZeroconfServiceInfo
    ) -> ConfigFlowResult:
        """Find out which server has announced itself."""
        server = await async_identify(
            self.hass,
            discovery_info.name.removesuffix(f".{discovery_info.type}"),
            discovery_info.host,
            discovery_info.port,
        )
        if server is None:
            return self.async_abort(reason="cannot_connect")
        if entry := await self.async_set_unique_id(server.machine_identifier):
            if entry.source != SOURCE_IGNORE:
                await async_follow(self.hass, entry, server.urls)
            return self.async_abort(reason="already_configured")
        self._found = {server.machine_identifier: server}
        # Not its name, which anybody on the network may have chosen.
        self.context["title_placeholders"] = {"address": server.address}
        return await self.async_step_discovered()

    async def async_step_discovered(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether a server that announced itself is to be set up."""
        (server,) = self._found.values()
        if user_input is not None:
            return await self._async_approach(server)
        return self.async_show_form(
            step_id="discovered",
            description_placeholders={
                "server": markdown(server.name),
                "address": markdown(server.address),
            },
        )

    async def _async_approach(self, server: DiscoveredServer) -> ConfigFlowResult:
        """Connect to a server that was found; if it wants a token, ask for that only."""
        self._machine_identifier = server.machine_identifier
        self._server_name = server.name
        url = await async_find_address(
            self.hass, server.urls, server.machine_identifier
        )
        self._data[CONF_URL] = str(url or server.urls[-1])
        return await self._async_connect()

    # A server that is set up

    async def async_step_reauth(
        self, _entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Handle a token that the server no longer takes."""
        self._begin_with(self._get_reauth_entry())
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, _: object = None) -> ConfigFlowResult:
        """Ask how to sign in again."""
        return self._show_menu("reauth_confirm", "plex_tv", "token")

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the address, token or verification of the same server."""
        if user_input is None:
            self._begin_with(self._get_reconfigure_entry())
        return await self._async_ask("reconfigure", user_input)
