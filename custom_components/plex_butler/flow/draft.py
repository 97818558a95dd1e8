"""The server that a config flow sets up or changes, as far as it is known."""

from dataclasses import dataclass, field
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant

from ..const import CONF_ACCOUNT_TOKEN
from ..helpers import async_create_server, async_find_address
from ..plex import (
    AccountServer,
    DiscoveredServer,
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
    """The addresses to look for the server at before the next probe."""
    discovered: bool = False
    """Whether the address was only found on the network, where anybody can answer."""
    form: str = "address"
    """The form that was filled in last, to return to after an error."""
    offers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The ways to connect securely that a menu offers: changes of `data` by step."""

    def __post_init__(self) -> None:
        """Complete the data."""
        self.data = {CONF_TOKEN: None, CONF_VERIFY_SSL: True, **self.data}
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
            discovered=True,
        )

    @property
    def host(self) -> str:
        """The host of the address."""
        return normalize_url(self.data[CONF_URL]).host or ""

    def fill_in(self, form: str, user_input: dict[str, Any]) -> None:
        """Store the input of a form."""
        self.form = form
        self.data |= user_input
        self.discovered = self.discovered and CONF_URL not in user_input
        if CONF_TOKEN in CONNECTION_FORMS[form].schema:
            token = user_input.get(CONF_TOKEN, "").strip()
            self.data[CONF_TOKEN] = token or self._stored_token

    def suggested_values(self) -> dict[str, Any]:
        """Return the values for the fields of a form, without a stored token."""
        values = self.data.copy()
        if values[CONF_TOKEN] == self._stored_token:
            del values[CONF_TOKEN]
        return values

    async def probe(self) -> None:
        """Check the server and the token, and store the server's identity and name.

        Raises PlexError. The token is sent only after the identity was checked.
        """
        server = await async_create_server(
            self.hass, self.data, self.machine_identifier
        )
        identity = await server.get_identity()
        name = await server.get_name()
        # Any user of a server may read its name, but only the owner its tasks.
        await server.get_butler_tasks()
        self.data[CONF_URL] = str(server.url)
        self.machine_identifier = identity.machine_identifier
        self.name = name or server.url.host or ""

    async def find_address(self) -> bool:
        """Use the first address at which the server answers; return False if none."""
        urls, self.urls = self.urls, ()
        url = await async_find_address(
            self.hass,
            urls,
            self.machine_identifier or "",
            verify_ssl=self.data[CONF_VERIFY_SSL],
        )
        if url is None:
            return False
        self.data[CONF_URL] = str(url)
        return True

    def use_account_server(self, server: AccountServer, account_token: str) -> None:
        """Use the token that plex.tv has for the server.

        An address that the user chose is tried before those that plex.tv knows, one
        that was discovered after them.
        """
        self.data[CONF_TOKEN] = self._stored_token = server.access_token
        self.data[CONF_ACCOUNT_TOKEN] = account_token
        own = (self.data[CONF_URL],) if CONF_URL in self.data else ()
        self.urls = server.urls + own if self.discovered else own + server.urls

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
        self.offers["unverified"] = {CONF_URL: str(secure), CONF_VERIFY_SSL: False}

    def accept_offer(self, step: str) -> None:
        """Use one of the ways to connect that were offered."""
        self.data |= self.offers[step]
