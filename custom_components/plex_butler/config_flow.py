"""Config flow of Butler for Plex."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .const import DOMAIN
from .flow.draft import Draft
from .flow.options import PlexButlerOptionsFlow
from .flow.plex_tv import SignIn
from .flow.schemas import CONF_SERVER, CONNECTION_FORMS, PLEX_ENTRY, server_schema
from .helpers import async_discover, async_identify, markdown
from .moves import async_follow
from .plex import (
    LINK_URL,
    AccountServer,
    DiscoveredServer,
    PlexError,
    PlexHttpsRequiredError,
    PlexTlsError,
    PlexWrongServerError,
)

_ARTICLE = (
    "https://support.plex.tv/articles/"
    "204059436-finding-an-authentication-token-x-plex-token/"
)


class PlexButlerConfigFlow(ConfigFlow, domain=DOMAIN):
    """Handle the config flow of Butler for Plex."""

    VERSION = 1
    MINOR_VERSION = 3

    _draft: Draft
    # The servers that the Plex integration or the network offers, by machineIdentifier.
    _choices: Mapping[str, Draft]
    _sign_in: SignIn

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> PlexButlerOptionsFlow:
        """Return the options flow."""
        return PlexButlerOptionsFlow()

    @override
    async def async_step_user(self, _: object = None) -> ConfigFlowResult:
        """Ask how to add a server."""
        self._draft = Draft(self.hass)
        self._choices = self._plex_integration_servers()
        options = ["network", "plex_tv", "manual"]
        if self._choices:
            options.insert(0, "plex")
        # Not escaped: unlike descriptions, menu options are plain text.
        names = ", ".join(draft.name for draft in self._choices.values())
        return self._show_menu("user", *options, names=names)

    # Servers of Home Assistant's Plex integration

    def _plex_integration_servers(self) -> dict[str, Draft]:
        """Return the servers of the Plex integration that are not set up here."""
        known = self._async_current_ids(include_ignore=False)
        servers = {}
        for entry in self.hass.config_entries.async_entries("plex"):
            try:
                data = PLEX_ENTRY(dict(entry.data))
            except vol.Invalid:  # The format is not documented, and may change.
                continue
            if (identifier := data["server_id"]) not in known:
                servers[identifier] = Draft(
                    self.hass, data["server_config"], identifier, data["server"]
                )
        return servers

    async def async_step_plex(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Use the address and token of a Plex integration entry."""
        if user_input is None and len(self._choices) > 1:
            names = {key: draft.name for key, draft in self._choices.items()}
            return self._show_choices("plex", names)
        self._choose(user_input)
        return await self._async_connect()

    # Servers found on the network

    async def async_step_network(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Search the network, and ask which server to use."""
        if user_input is not None:
            self._choose(user_input)
            return await self._async_connect_discovered()
        self._choices = await self._async_new_servers(await async_discover(self.hass))
        if not self._choices:
            return await self.async_step_nothing_found()
        labels = {
            key: f"{draft.name} ({draft.host})" for key, draft in self._choices.items()
        }
        return self._show_choices("network", labels)

    async def _async_new_servers(
        self, servers: Iterable[DiscoveredServer]
    ) -> dict[str, Draft]:
        """Return the servers that are not set up; follow the others to their address."""
        found: dict[str, list[DiscoveredServer]] = {}
        for server in servers:
            found.setdefault(server.machine_identifier, []).append(server)
        follows = [
            async_follow(self.hass, entry, [url for one in known for url in one.urls])
            for entry in self._async_current_entries(include_ignore=False)
            if (known := found.pop(entry.unique_id or "", None))
        ]
        await asyncio.gather(*follows)
        return {
            key: Draft.from_discovered(self.hass, first)
            for key, (first, *_) in found.items()
        }

    async def async_step_nothing_found(self, _: object = None) -> ConfigFlowResult:
        """Report that no new server was found."""
        return self._show_menu("nothing_found", "network", "plex_tv", "manual")

    @override
    async def async_step_zeroconf(
        self, discovery_info: ZeroconfServiceInfo
    ) -> ConfigFlowResult:
        """Identify a server that announced itself."""
        server = await async_identify(
            self.hass,
            discovery_info.name.removesuffix(f".{discovery_info.type}"),
            discovery_info.host,
            discovery_info.port,
        )
        if server is None:
            return self.async_abort(reason="cannot_connect")
        await self.async_set_unique_id(server.machine_identifier)
        self._choices = await self._async_new_servers([server])
        self._abort_if_unique_id_configured()
        self._choose()
        # Not the name, which anybody on the network can choose.
        self.context["title_placeholders"] = {"address": server.address}
        return await self.async_step_discovered()

    async def async_step_discovered(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether to set up a server that announced itself."""
        if user_input is not None:
            return await self._async_connect_discovered()
        return self.async_show_form(
            step_id="discovered",
            description_placeholders={
                "server": markdown(self._draft.name),
                "address": markdown(self._draft.host),
            },
        )

    async def _async_connect_discovered(self) -> ConfigFlowResult:
        """Connect to a discovered server, without a token, at its best address."""
        if not await self._draft.find_address(self._draft.urls):
            return self._show_form("address", {"base": "no_address"})
        return await self._async_connect()

    # Signing in with plex.tv

    async def async_step_plex_tv(self, _: object = None) -> ConfigFlowResult:
        """Get a code from plex.tv."""
        self._draft.prepare_sign_in()
        self._sign_in = SignIn(self.hass, self._draft.data)
        if await self._sign_in.start():
            return await self.async_step_enter_code()
        return await self.async_step_plex_tv_failed()

    async def async_step_enter_code(self, _: object = None) -> ConfigFlowResult:
        """Show the code until it was entered at plex.tv."""
        if self._sign_in.task.done():
            return self.async_show_progress_done(next_step_id=self._sign_in.next_step)
        return self.async_show_progress(
            step_id="enter_code",
            progress_action="enter_code",
            description_placeholders={
                "code": self._sign_in.code,
                "url": f"{LINK_URL}/?pin={self._sign_in.code}",
            },
            progress_task=self._sign_in.task,
        )

    async def async_step_servers(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Use the wanted server of the account, or ask which one to use."""
        servers = self._sign_in.servers
        key = self._draft.machine_identifier
        if key is None:
            if not servers:
                return await self.async_step_no_servers()
            known = self._async_current_ids(include_ignore=False)
            names = {key: servers[key].name for key in servers if key not in known}
            if not names:
                return self.async_abort(reason="already_configured")
            if user_input is None:
                return self._show_choices("servers", names)
            key = user_input[CONF_SERVER]
        if key not in servers:
            return await self.async_step_not_owned()
        return await self._async_use_account_server(servers[key])

    async def _async_use_account_server(
        self, server: AccountServer
    ) -> ConfigFlowResult:
        """Connect to a server with the token that plex.tv has for it."""
        draft = self._draft
        if not await draft.use_account_server(server, self._sign_in.account_token):
            return self._show_form("address", {"base": "no_address"})
        if draft.data[CONF_URL].startswith("http:"):
            return await self.async_step_unencrypted()
        return await self._async_connect()

    async def async_step_unencrypted(self, _: object = None) -> ConfigFlowResult:
        """Ask before the token is sent without encryption."""
        url = self._draft.data[CONF_URL]
        return self._show_menu(
            "unencrypted",
            "send_unencrypted",
            "other_address",
            address=markdown(url),
            url=url,
        )

    async def async_step_send_unencrypted(self, _: object = None) -> ConfigFlowResult:
        """Connect without encryption."""
        return await self._async_connect()

    async def async_step_plex_tv_failed(self, _: object = None) -> ConfigFlowResult:
        """Report an error of plex.tv."""
        return self._show_sign_in_menu(
            "plex_tv_failed", error=markdown(self._sign_in.error)
        )

    async def async_step_code_expired(self, _: object = None) -> ConfigFlowResult:
        """Report that the code was not entered in time."""
        return self._show_sign_in_menu("code_expired")

    async def async_step_no_servers(self, _: object = None) -> ConfigFlowResult:
        """Report that the account owns no server."""
        return self._show_sign_in_menu("no_servers")

    async def async_step_not_owned(self, _: object = None) -> ConfigFlowResult:
        """Report that the account does not own the wanted server."""
        return self._show_sign_in_menu("not_owned")

    def _show_sign_in_menu(self, step_id: str, **placeholders: str) -> ConfigFlowResult:
        """Offer to sign in with plex.tv, or to enter a token.

        The address of a server is entered, too, if nobody has confirmed it yet.
        """
        known = self._draft.machine_identifier and not self._draft.urls
        other = "token" if known else "manual"
        return self._show_menu(step_id, "plex_tv", other, **placeholders)

    async def async_step_sign_in(self, _: object = None) -> ConfigFlowResult:
        """Ask how to get the token of a known server."""
        return self._show_sign_in_menu("sign_in")

    # Servers that are set up

    async def async_step_reauth(
        self, _entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Replace a token that the server no longer accepts."""
        self._draft = Draft.from_entry(self.hass, self._get_reauth_entry())
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, _: object = None) -> ConfigFlowResult:
        """Ask how to get a new token."""
        return self._show_sign_in_menu("reauth_confirm")

    async def async_step_reconfigure(self, _: object = None) -> ConfigFlowResult:
        """Ask how to change the address, token or verification of a server."""
        self._draft = Draft.from_entry(self.hass, self._get_reconfigure_entry())
        return self._show_menu("reconfigure", "manual", "plex_tv")

    # Forms

    async def async_step_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for address and token."""
        return await self._async_ask("manual", user_input)

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address."""
        return await self._async_ask("address", user_input)

    async def async_step_token(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the token."""
        return await self._async_ask("token", user_input)

    async def _async_ask(
        self, form: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Show a form, or connect with its input."""
        if user_input is None:
            return self._show_form(form)
        if errors := self._draft.fill_in(form, user_input):
            return self._show_form(form, errors)
        return await self._async_connect()

    def _show_form(
        self, form: str, errors: dict[str, str] | None = None
    ) -> ConfigFlowResult:
        """Show a form with the values entered so far."""
        return self.async_show_form(
            step_id=form,
            data_schema=self.add_suggested_values_to_schema(
                CONNECTION_FORMS[form], self._draft.suggested_values()
            ),
            errors=errors,
            description_placeholders={
                "article": _ARTICLE,
                "server": markdown(self._draft.name),
            },
        )

    def _show_choices(self, step_id: str, labels: dict[str, str]) -> ConfigFlowResult:
        """Show servers to choose from."""
        return self.async_show_form(step_id=step_id, data_schema=server_schema(labels))

    def _choose(self, user_input: dict[str, Any] | None = None) -> None:
        """Use the chosen server, or the only one there is."""
        key = user_input[CONF_SERVER] if user_input else next(iter(self._choices))
        self._draft = self._choices[key]

    def _show_menu(
        self, step_id: str, *options: str, **placeholders: str
    ) -> ConfigFlowResult:
        """Show a menu about the server."""
        return self.async_show_menu(
            step_id=step_id,
            menu_options=list(options),
            description_placeholders={
                "server": markdown(self._draft.name),
                **placeholders,
            },
        )

    # Connecting

    async def _async_connect(self) -> ConfigFlowResult:
        """Check the server and the token, then finish; or ask for a correction."""
        draft = self._draft
        try:
            await draft.probe()
        except PlexWrongServerError:
            return self.async_abort(reason="wrong_server")
        except PlexError as err:
            return await self._async_handle_error(err)
        await self.async_set_unique_id(
            draft.machine_identifier, raise_on_progress=False
        )
        if draft.entry:
            return self.async_update_reload_and_abort(draft.entry, data=draft.data)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=draft.name, data=draft.data)

    async def _async_handle_error(self, err: PlexError) -> ConfigFlowResult:
        """Show the form or menu in which the user can correct an error."""
        draft = self._draft
        errors = draft.errors(err)
        (field,) = errors
        if field != "base" and field not in CONNECTION_FORMS[draft.form].schema:
            if field == CONF_TOKEN:
                return await self.async_step_sign_in()
            draft.form = "address"
        if isinstance(err, PlexHttpsRequiredError | PlexTlsError):
            await draft.find_offers()
            if draft.offers and isinstance(err, PlexHttpsRequiredError):
                return await self.async_step_https_required()
            if draft.offers:
                return await self.async_step_certificate()
        return self._show_form(draft.form, errors)

    # Secure connections

    async def async_step_https_required(self, _: object = None) -> ConfigFlowResult:
        """Offer https to a server that refuses http."""
        return self._show_offers("https_required")

    async def async_step_certificate(self, _: object = None) -> ConfigFlowResult:
        """Offer ways to connect in spite of an invalid certificate."""
        return self._show_offers("certificate")

    def _show_offers(self, step_id: str) -> ConfigFlowResult:
        """Offer the ways to connect that were found, and another address."""
        offers = self._draft.offers
        urls = {step: changes[CONF_URL] for step, changes in offers.items()}
        address = markdown(self._draft.host)
        return self._show_menu(
            step_id, *offers, "other_address", address=address, **urls
        )

    async def async_step_verified(self, _: object = None) -> ConfigFlowResult:
        """Use https at the address that the certificate is valid for."""
        return await self._async_accept("verified")

    async def async_step_unverified(self, _: object = None) -> ConfigFlowResult:
        """Use https without verifying the certificate."""
        return await self._async_accept("unverified")

    async def _async_accept(self, offer: str) -> ConfigFlowResult:
        """Connect in one of the ways that were offered."""
        self._draft.accept_offer(offer)
        return await self._async_connect()

    async def async_step_other_address(self, _: object = None) -> ConfigFlowResult:
        """Return to the form."""
        return self._show_form(self._draft.form)
