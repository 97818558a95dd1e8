"""The server that a config flow sets up or changes, as far as it is known."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from yarl import URL

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.util.network import is_ip_address
from homeassistant.util.uuid import random_uuid_hex

from ..const import (
    CONF_ACCOUNT_TOKEN,
    CONF_CLIENT_IDENTIFIER,
    CONF_DIRECT_HASH,
    CONF_FINGERPRINT,
    DOMAIN,
)
from ..errors import TEMPORARY_ERRORS, flow_error
from ..helpers import async_create_server, async_find_address
from ..plex import (
    AccountServer,
    DiscoveredServer,
    PlexAuthenticationError,
    PlexError,
    PlexTlsError,
    direct_address,
    direct_hash_of,
    direct_url,
    normalize_url,
    read_certificate,
)
from .schemas import CONNECTION_FORMS


@dataclass
class Draft:
    """The data of a config entry while it is collected."""

    hass: HomeAssistant
    data: dict[str, Any] = field(default_factory=dict)
    machine_identifier: str | None = None
    """If this is known, no other server is accepted."""
    name: str = ""
    entry: ConfigEntry | None = None
    """The config entry to change, if any."""
    urls: tuple[str, ...] = ()
    """The addresses at which the server was discovered, until one is confirmed.

    Anybody on the network can answer there, as the machineIdentifier is no secret.
    """
    form: str = "address"
    """The form that was filled in last, to return to after an error."""
    offers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The ways to connect securely that a menu offers: changes of `data` by step."""

    def __post_init__(self) -> None:
        """Complete the data."""
        self.data = {
            CONF_TOKEN: None,
            CONF_VERIFY_SSL: True,
            CONF_CLIENT_IDENTIFIER: _new_client_identifier(),
            **self.data,
        }
        # Used when the token field is left empty, and never shown.
        self._stored_token: str | None = self.data[CONF_TOKEN]

    @classmethod
    def from_entry(cls, hass: HomeAssistant, entry: ConfigEntry) -> Self:
        """Return the draft of a server that is set up."""
        return cls(hass, dict(entry.data), entry.unique_id, entry.title, entry)

    @classmethod
    def from_discovered(cls, hass: HomeAssistant, server: DiscoveredServer) -> Self:
        """Return the draft of a server that was found on the network."""
        return cls(
            hass,
            {CONF_URL: server.urls[-1]},
            server.machine_identifier,
            server.name,
            urls=server.urls,
        )

    def prepare_sign_in(self) -> None:
        """Take a client identifier that no other entry has.

        Entries of version 1.1 share one: signing in with it would revoke the tokens of
        the others.
        """
        key = CONF_CLIENT_IDENTIFIER
        if any(
            entry is not self.entry and entry.data.get(key) == self.data[key]
            for entry in self.hass.config_entries.async_entries(DOMAIN)
        ):
            self.data[key] = _new_client_identifier()

    @property
    def host(self) -> str:
        """The host of the address."""
        return normalize_url(self.data[CONF_URL]).host or ""

    def fill_in(self, form: str, user_input: dict[str, Any]) -> dict[str, str]:
        """Store the input of a form; return the errors in it by field."""
        self.form = form
        self.data |= user_input
        if CONF_URL in user_input:
            self.urls = ()
        if CONF_TOKEN not in CONNECTION_FORMS[form].schema:
            return {}
        token = user_input.get(CONF_TOKEN, "").strip()
        self.data[CONF_TOKEN] = token or self._stored_token
        if token.startswith("eyJ"):  # A JSON Web Token, which only plex.tv accepts.
            return {CONF_TOKEN: "web_token"}
        if form == "token" and not token:
            return {CONF_TOKEN: "token_required"}
        return {}

    def suggested_values(self) -> dict[str, Any]:
        """Return the values for the fields of a form, without a stored token."""
        values = self.data.copy()
        if values[CONF_TOKEN] == self._stored_token:
            del values[CONF_TOKEN]
        return values

    async def probe(self) -> None:
        """Check the server and the token, and store how the server proves its identity.

        Raises PlexError. The token is sent only after the identity was checked.
        """
        server = await async_create_server(
            self.hass, self.data, self.machine_identifier
        )
        self.data[CONF_URL] = str(server.url)
        identity = await server.get_identity()
        proof = await self._read_proof(server.url)
        # The certificate must be the same for the requests with the token.
        server = await async_create_server(
            self.hass, {**self.data, **proof}, identity.machine_identifier
        )
        await server.get_butler_tasks()
        try:
            name = await server.get_name()
        except PlexError:
            name = ""
        for key in (CONF_DIRECT_HASH, CONF_FINGERPRINT):
            self.data.pop(key, None)
        self.data |= proof
        self.machine_identifier = identity.machine_identifier
        self.name = name or server.url.host or ""

    async def _read_proof(self, url: URL) -> dict[str, str]:
        """Return the properties by which the server can be recognized later.

        Raises PlexTlsError if its certificate cannot be read.
        """
        if url.scheme == "http":
            return {}
        if self.data[CONF_VERIFY_SSL]:
            return {CONF_DIRECT_HASH: hash_} if (hash_ := direct_hash_of(url)) else {}
        if accepted := self.data.get(CONF_FINGERPRINT):
            return {CONF_FINGERPRINT: accepted}
        if (certificate := await read_certificate(url)) is None:
            raise PlexTlsError("no certificate")
        return {CONF_FINGERPRINT: certificate.fingerprint}

    def errors(self, err: PlexError) -> dict[str, str]:
        """Return the text to show for an error of `probe`, by field."""
        if self.data[CONF_TOKEN] or not isinstance(err, PlexAuthenticationError):
            return flow_error(err)
        # Without a token, some servers accept requests to their IP address only.
        named = not is_ip_address(direct_address(self.host) or self.host)
        return {CONF_TOKEN: "token_required_by_name" if named else "token_required"}

    async def find_address(self, urls: Iterable[str]) -> bool:
        """Use the first address at which the server answers; return False if none."""
        url = await async_find_address(self.hass, urls, self.machine_identifier or "")
        if url is None:
            return False
        self.data |= {CONF_URL: str(url), CONF_VERIFY_SSL: True}
        return True

    async def use_account_server(
        self, server: AccountServer, account_token: str
    ) -> bool:
        """Use the token that plex.tv has for the server; return False if it is away.

        All https addresses are tried before any http. The address that the user chose
        comes before those that plex.tv knows. One that was only discovered is not used.
        """
        self.machine_identifier, self.name = server.machine_identifier, server.name
        self.data[CONF_TOKEN] = self._stored_token = server.access_token
        self.data[CONF_ACCOUNT_TOKEN] = account_token
        own = "" if self.urls else self.data.get(CONF_URL, "")
        for scheme in ("https:", "http:"):
            if own.startswith(scheme) and await self._is_current():
                return True
            if await self.find_address(u for u in server.urls if u.startswith(scheme)):
                return True
        return False

    async def _is_current(self) -> bool:
        """Return whether the server is still at its address; it may be busy there."""
        try:
            server = await async_create_server(
                self.hass, self.data, self.machine_identifier
            )
            await server.get_identity()
            await self._read_proof(server.url)
        except TEMPORARY_ERRORS:
            return True
        except PlexError:
            return False
        return True

    async def find_offers(self) -> None:
        """Find the ways to connect securely to a server that refused a connection.

        Its certificate shows which name it is valid for.
        """
        self.offers = {}
        url = normalize_url(self.data[CONF_URL])
        if (certificate := await read_certificate(url)) is None or url.port is None:
            return
        secure = url.with_scheme("https").with_port(url.port)
        named = certificate.direct_hash and direct_url(
            certificate.address, certificate.direct_hash, url.port
        )
        if (verified := named or secure) != url:
            self.offers["verified"] = {CONF_URL: str(verified), CONF_VERIFY_SSL: True}
        self.offers["unverified"] = {
            CONF_URL: str(secure),
            CONF_VERIFY_SSL: False,
            CONF_FINGERPRINT: certificate.fingerprint,
        }

    def accept_offer(self, step: str) -> None:
        """Use one of the ways to connect that were offered."""
        self.data |= self.offers[step]


def _new_client_identifier() -> str:
    return f"{DOMAIN}-{random_uuid_hex()}"
