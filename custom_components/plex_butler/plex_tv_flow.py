"""Signing in with plex.tv, which tells the servers of an account and their tokens."""

import asyncio
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .connect_flow import ConnectFlow
from .const import CONF_ACCOUNT_TOKEN
from .helpers import async_create_account, async_find_address, markdown
from .plex import (
    LINK_URL,
    AccountServer,
    Pin,
    PlexError,
    PlexPinExpiredError,
)

CONF_SERVER = "server"


def server_schema(servers: dict[str, str]) -> vol.Schema:
    """Return the form with a list of servers, each with its label."""
    options = [
        SelectOptionDict(value=identifier, label=label)
        for identifier, label in servers.items()
    ]
    return vol.Schema(
        {
            vol.Required(CONF_SERVER): SelectSelector(
                SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
            )
        }
    )


class PlexTvFlow(ConnectFlow):
    """Signs in with a code, and connects to a server of the account."""

    _pin: Pin
    _waiting: asyncio.Task[str] | None = None
    _account_token = ""
    _failure = ""
    _servers: dict[str, AccountServer]

    async def async_step_plex_tv(self, _: object = None) -> ConfigFlowResult:
        """Show a code until somebody has entered it at plex.tv."""
        if self._waiting is None:
            account = await async_create_account(self.hass)
            try:
                self._pin = await account.create_pin()
            except PlexError as err:
                self._failure = str(err)
                return await self.async_step_plex_tv_failed()
            # Home Assistant ends it when the dialog is closed.
            self._waiting = self.hass.async_create_background_task(
                account.wait_for_token(self._pin), "plex_butler sign-in"
            )
        if not self._waiting.done():
            return self.async_show_progress(
                step_id="plex_tv",
                progress_action="enter_code",
                description_placeholders={"code": self._pin.code, "url": LINK_URL},
                progress_task=self._waiting,
            )
        waited, self._waiting = self._waiting, None
        try:
            self._account_token = waited.result()
        except PlexPinExpiredError:
            return self.async_show_progress_done(next_step_id="code_expired")
        except PlexError as err:
            self._failure = str(err)
            return self.async_show_progress_done(next_step_id="plex_tv_failed")
        return self.async_show_progress_done(next_step_id="servers")

    async def async_step_servers(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose one of the servers that the account owns."""
        if user_input is not None:
            return await self._async_take(self._servers[user_input[CONF_SERVER]])
        account = await async_create_account(self.hass)
        try:
            servers = await account.get_server_resources(self._account_token)
        except PlexError as err:
            self._failure = str(err)
            return await self.async_step_plex_tv_failed()
        owned = {
            server.machine_identifier: server for server in servers if server.owned
        }
        if self._machine_identifier is None:
            return await self._async_choose(owned)
        if self._machine_identifier in owned:
            return await self._async_take(owned[self._machine_identifier])
        return await self.async_step_not_owned()

    async def _async_choose(self, owned: dict[str, AccountServer]) -> ConfigFlowResult:
        """Take the only server there is, or ask which."""
        if not owned:
            return await self.async_step_no_servers()
        known = self._async_current_ids(include_ignore=False)
        self._servers = {key: owned[key] for key in owned if key not in known}
        if not self._servers:
            return self.async_abort(reason="already_configured")
        if len(self._servers) == 1:
            return await self._async_take(*self._servers.values())
        return self.async_show_form(
            step_id="servers",
            data_schema=server_schema(
                {key: server.name for key, server in self._servers.items()}
            ),
        )

    async def _async_take(self, server: AccountServer) -> ConfigFlowResult:
        """Connect to a server, at the first of its addresses that answers."""
        self._machine_identifier = server.machine_identifier
        self._server_name = server.name
        self._data[CONF_TOKEN] = self._own_token = server.access_token
        self._data[CONF_ACCOUNT_TOKEN] = self._account_token
        # What the owner has set up comes first. What was only found on the network may
        # be anybody's: plex.tv knows better.
        known = [self._data[CONF_URL]] if CONF_URL in self._data else []
        stored = self.source == SOURCE_REAUTH
        url = await async_find_address(
            self.hass,
            [*known, *server.urls] if stored else [*server.urls, *known],
            server.machine_identifier,
            verify_ssl=self._data[CONF_VERIFY_SSL],
        )
        if url is None:
            return self._show("address", {"base": "no_address"})
        self._data[CONF_URL] = str(url)
        return await self._async_connect()

    # What may go wrong, and where to go from there

    async def async_step_plex_tv_failed(self, _: object = None) -> ConfigFlowResult:
        """Say that plex.tv did not do what it was asked for."""
        return self._show_ways("plex_tv_failed", error=markdown(self._failure))

    async def async_step_code_expired(self, _: object = None) -> ConfigFlowResult:
        """Say that nobody entered the code, and offer a new one."""
        return self._show_ways("code_expired")

    async def async_step_no_servers(self, _: object = None) -> ConfigFlowResult:
        """Say that the account owns no server."""
        return self._show_ways("no_servers")

    async def async_step_not_owned(self, _: object = None) -> ConfigFlowResult:
        """Say that the account does not own this server."""
        return self._show_ways("not_owned")

    def _show_ways(self, step_id: str, **more: str) -> ConfigFlowResult:
        """Offer to sign in anew, or to do without."""
        other = "token" if self._machine_identifier else "manual"
        return self._show_menu(step_id, "plex_tv", other, **more)
