"""What all ways to a server end in: the usual checks, and what mends their errors."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .errors import flow_error
from .helpers import async_create_server, markdown
from .plex import (
    PlexError,
    PlexHttpsRequiredError,
    PlexTlsError,
    PlexWrongServerError,
    direct_url,
    normalize_url,
    read_certificate,
)

# Not of type URL: browsers would refuse the bare "192.168.1.5" that is fine here.
_URL = {vol.Required(CONF_URL): TextSelector()}
_TOKEN = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_VERIFY_SSL = {vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector()}
_SERVER = vol.Schema(_URL | {vol.Optional(CONF_TOKEN): _TOKEN} | _VERIFY_SSL)

# The forms that end in a try to connect.
_FORMS = {
    "address": vol.Schema(_URL | _VERIFY_SSL),
    "manual": _SERVER,
    "reconfigure": _SERVER,
    "token": vol.Schema({vol.Required(CONF_TOKEN): _TOKEN}),
}

_ARTICLE = (
    "https://support.plex.tv/articles/"
    "204059436-finding-an-authentication-token-x-plex-token/"
)


class ConnectFlow(ConfigFlow):
    """Connects to a server, and asks for what is missing or wrong."""

    VERSION = 1

    def __init__(self) -> None:
        """Know nothing yet."""
        self._data: dict[str, Any] = {CONF_TOKEN: None, CONF_VERIFY_SSL: True}
        # Which server it must be, if that is known, and what it is called.
        self._machine_identifier: str | None = None
        self._server_name = ""
        # The token that counts where none is typed.
        self._own_token: str | None = None
        self._form = "address"
        self._offers: dict[str, dict[str, Any]] = {}

    def _begin_with(self, entry: ConfigEntry) -> None:
        """Start from what is stored of a server."""
        self._data = dict(entry.data)
        self._machine_identifier = entry.unique_id
        self._server_name = entry.title
        self._own_token = entry.data[CONF_TOKEN]

    async def _async_connect(self, form: str | None = None) -> ConfigFlowResult:
        """Talk to the server and finish, or ask for what is wrong.

        `form` is the one that was filled in for this, if any.
        """
        try:
            server = await async_create_server(
                self.hass, self._data, self._machine_identifier
            )
            identity = await server.get_identity()
            name = await server.get_name()
            # Any user of a server may read its name, but only its owner this.
            await server.get_butler_tasks()
        except PlexWrongServerError as err:
            raise AbortFlow("wrong_server") from err
        except PlexError as err:
            return await self._async_mend(err, form)
        data = {**self._data, CONF_URL: str(server.url)}
        await self.async_set_unique_id(
            identity.machine_identifier, raise_on_progress=False
        )
        if self.source == SOURCE_REAUTH:
            entry = self._get_reauth_entry()
            return self.async_update_reload_and_abort(entry, data=data)
        if self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            return self.async_update_reload_and_abort(entry, data=data)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=name or server.url.host or "", data=data)

    async def _async_mend(self, err: PlexError, form: str | None) -> ConfigFlowResult:
        """Ask for what is wrong, where the user can put it right."""
        errors = flow_error(err)
        (field,) = errors
        if form is None or (field != "base" and field not in _FORMS[form].schema):
            if field == CONF_TOKEN:
                return await self.async_step_sign_in()
            form = "address"
        self._form = form
        if isinstance(err, PlexHttpsRequiredError | PlexTlsError):
            await self._async_find_offers()
            if self._offers and isinstance(err, PlexHttpsRequiredError):
                return await self.async_step_https_required()
            if "plex_direct" in self._offers:
                return await self.async_step_direct_certificate()
            if self._offers:
                return await self.async_step_certificate()
        return self._show(form, errors)

    # What is asked

    async def async_step_sign_in(self, _: object = None) -> ConfigFlowResult:
        """Ask the owner of a known server to sign in."""
        return self._show_menu("sign_in", "plex_tv", "token")

    async def async_step_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for address and token."""
        return await self._async_ask("manual", user_input)

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address alone."""
        return await self._async_ask("address", user_input)

    async def async_step_token(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the token alone."""
        return await self._async_ask("token", user_input)

    async def _async_ask(
        self, form: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Show a form, or take in what was typed there."""
        if user_input is None:
            return self._show(form)
        self._data |= user_input
        if CONF_TOKEN in _FORMS[form].schema:
            typed = user_input.get(CONF_TOKEN, "").strip()
            self._data[CONF_TOKEN] = typed or self._own_token
        return await self._async_connect(form)

    def _show(
        self, form: str, errors: dict[str, str] | None = None
    ) -> ConfigFlowResult:
        # What was typed is shown again, but no token that the browser does not know.
        suggested = self._data.copy()
        if suggested[CONF_TOKEN] == self._own_token:
            del suggested[CONF_TOKEN]
        return self.async_show_form(
            step_id=form,
            data_schema=self.add_suggested_values_to_schema(_FORMS[form], suggested),
            errors=errors,
            description_placeholders={
                "article": _ARTICLE,
                "server": markdown(self._server_name),
            },
        )

    def _show_menu(self, step_id: str, *options: str, **more: str) -> ConfigFlowResult:
        return self.async_show_menu(
            step_id=step_id,
            menu_options=list(options),
            description_placeholders={"server": markdown(self._server_name), **more},
        )

    # Secure connections

    async def _async_find_offers(self) -> None:
        """Find out how a server may be talked to that refused to be.

        Its certificate tells by which name it wants to be called.
        """
        self._offers = {}
        url = normalize_url(self._data[CONF_URL])
        if (certificate := await read_certificate(url)) is None or url.port is None:
            return
        secure = url.with_scheme("https").with_port(url.port)
        named = secure
        if certificate.direct_hash:
            named = (
                direct_url(certificate.address, certificate.direct_hash, url.port)
                or secure
            )
        if named != url:
            step = "https" if named == secure else "plex_direct"
            self._offers[step] = {CONF_URL: str(named), CONF_VERIFY_SSL: True}
        self._offers["unverified"] = {CONF_URL: str(secure), CONF_VERIFY_SSL: False}

    async def async_step_https_required(self, _: object = None) -> ConfigFlowResult:
        """Offer a secure connection instead of the plain one."""
        return self._show_offers("https_required")

    async def async_step_direct_certificate(self, _: object = None) -> ConfigFlowResult:
        """Offer the name that Plex's own certificate is valid for."""
        return self._show_offers("direct_certificate")

    async def async_step_certificate(self, _: object = None) -> ConfigFlowResult:
        """Offer to trust a certificate that is not Plex's."""
        return self._show_offers("certificate")

    def _show_offers(self, step_id: str) -> ConfigFlowResult:
        host = normalize_url(self._data[CONF_URL]).host or ""
        return self._show_menu(
            step_id, *self._offers, "other_address", address=markdown(host)
        )

    async def async_step_plex_direct(self, _: object = None) -> ConfigFlowResult:
        """Use the name that the certificate is for."""
        return await self._async_accept("plex_direct")

    async def async_step_https(self, _: object = None) -> ConfigFlowResult:
        """Use the same address, securely."""
        return await self._async_accept("https")

    async def async_step_unverified(self, _: object = None) -> ConfigFlowResult:
        """Trust whatever certificate there is."""
        return await self._async_accept("unverified")

    async def async_step_other_address(self, _: object = None) -> ConfigFlowResult:
        """Go back to the form."""
        return self._show(self._form)

    async def _async_accept(self, offer: str) -> ConfigFlowResult:
        self._data |= self._offers[offer]
        return await self._async_connect(self._form)
