"""Helpers of Butler for Plex: Plex clients, escaped text, background refreshes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
import re
from typing import Any

from yarl import URL

from homeassistant.components import network
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.loader import async_get_integration

from .const import CONF_CLIENT_IDENTIFIER, CONF_FINGERPRINT, DOMAIN
from .plex import (
    ClientInfo,
    DiscoveredServer,
    PlexAccount,
    PlexError,
    PlexServer,
    discover,
    find_address,
    normalize_url,
    read_certificate,
)

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def translate(hass: HomeAssistant, key: str, **placeholders: str) -> str:
    """Return a text of the translations, in the language of Home Assistant."""
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    return texts[f"component.{DOMAIN}.common.{key}"].format(**placeholders)


def markdown(text: str) -> str:
    """Escape text for a Markdown description, and put it on one line."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


async def _async_client_info(
    hass: HomeAssistant, data: Mapping[str, Any] | None = None
) -> ClientInfo:
    """Return the client information of an entry, or for requests without a token."""
    integration = await async_get_integration(hass, DOMAIN)
    return ClientInfo(
        identifier=(data or {}).get(CONF_CLIENT_IDENTIFIER, DOMAIN),
        version=str(integration.version),
        device_name="Home Assistant",
        language=hass.config.language,
    )


async def async_create_server(
    hass: HomeAssistant,
    data: Mapping[str, Any],
    machine_identifier: str | None = None,
    renew_token: Callable[[], Awaitable[str | None]] | None = None,
) -> PlexServer:
    """Return the client of a server; raises PlexError for an invalid URL or token.

    With a machineIdentifier, the token is sent to that server only. Where certificates
    are not verified, only the stored one is accepted.
    """
    verify_ssl = data[CONF_VERIFY_SSL]
    return PlexServer(
        async_get_clientsession(hass, verify_ssl=verify_ssl),
        data[CONF_URL],
        data.get(CONF_TOKEN),
        machine_identifier=machine_identifier,
        fingerprint=None if verify_ssl else data.get(CONF_FINGERPRINT),
        client=await _async_client_info(hass, data),
        renew_token=renew_token,
    )


async def async_read_fingerprint(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the data by which a certificate that is not verified is recognized.

    It is empty if certificates are verified, or are recognized already, or there is none.
    """
    url = normalize_url(data[CONF_URL])
    if url.scheme == "http" or data[CONF_VERIFY_SSL] or CONF_FINGERPRINT in data:
        return {}
    certificate = await read_certificate(url)
    return {CONF_FINGERPRINT: certificate.fingerprint} if certificate else {}


async def async_create_account(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PlexAccount:
    """Return the client of plex.tv for the data of an entry."""
    return PlexAccount(
        async_get_clientsession(hass), await _async_client_info(hass, data)
    )


async def async_find_address(
    hass: HomeAssistant,
    urls: Iterable[str],
    machine_identifier: str,
    *,
    verify_ssl: bool = True,
) -> URL | None:
    """Return the first URL at which the server with this identifier answers."""
    return await find_address(
        async_get_clientsession(hass, verify_ssl=verify_ssl),
        urls,
        machine_identifier,
        client=await _async_client_info(hass),
    )


async def async_discover(hass: HomeAssistant) -> tuple[DiscoveredServer, ...]:
    """Return the servers on the networks that Home Assistant is configured to use."""
    return await discover(
        address["address"]
        for adapter in await network.async_get_adapters(hass)
        if adapter["enabled"]
        for address in adapter["ipv4"]
    )


async def async_identify(
    hass: HomeAssistant, name: str, address: str, port: int | None
) -> DiscoveredServer | None:
    """Return the server at a discovered address; None if there is none."""
    url = URL.build(scheme="http", host=address, port=port)
    certificate = await read_certificate(url)
    server = DiscoveredServer(
        name=name,
        address=address,
        port=url.port or 0,
        machine_identifier="",
        direct_hash=certificate.direct_hash if certificate else None,
    )
    for candidate in server.urls:
        data = {CONF_URL: candidate, CONF_VERIFY_SSL: True}
        try:
            identity = await (await async_create_server(hass, data)).get_identity()
        except PlexError:
            continue
        return replace(server, machine_identifier=identity.machine_identifier)
    return None


class Timer:
    """Calls a function once, at the earliest of the times it was scheduled for."""

    def __init__(self, hass: HomeAssistant, action: Callable[[], None]) -> None:
        """Initialize; schedules nothing."""
        self._hass = hass
        self._action = action
        self._at = 0.0
        self._cancel: CALLBACK_TYPE | None = None
        self._shut_down = False

    @callback
    def schedule(self, delay: float) -> None:
        """Call the function after a number of seconds, or earlier."""
        at = self._hass.loop.time() + delay
        if self._shut_down or (self._cancel and self._at <= at):
            return
        self.cancel()
        self._at = at
        self._cancel = async_call_later(self._hass, delay, self._run)

    @callback
    def shut_down(self) -> None:
        """Do not call the function, however often it is scheduled later."""
        self.cancel()
        self._shut_down = True

    @callback
    def cancel(self) -> None:
        """Do not call the function."""
        if self._cancel:
            self._cancel()
            self._cancel = None

    @callback
    def _run(self, _now: datetime) -> None:
        self._cancel = None
        self._action()


class BackgroundRefresh:
    """Refreshes a coordinator in the background, as often as needed and no more."""

    def __init__(
        self,
        coordinator: DataUpdateCoordinator[Any],
        delay: float,
        writing: asyncio.Lock | None = None,
    ) -> None:
        """Initialize; `delay` is the number of seconds that `soon` waits.

        No refresh begins while `writing` is locked.
        """
        self._coordinator = coordinator
        self._writing = writing or asyncio.Lock()
        self._delay = delay
        self._timer = Timer(coordinator.hass, self._delay_over)
        self._delayed = False
        self._repeat = False
        self._waiting = False
        self._lock = asyncio.Lock()

    @callback
    def now(self) -> None:
        """Refresh, unless a refresh that has not begun yet will do."""
        if not self._waiting and (entry := self._coordinator.config_entry):
            self._waiting = True
            entry.async_create_background_task(
                self._coordinator.hass,
                self._refresh(),
                f"{self._coordinator.name} - refresh",
            )

    @callback
    def soon(self) -> None:
        """Refresh after the delay.

        Calls during the delay do not extend it: they lead to one more refresh.
        """
        if self._delayed:
            self._repeat = True
        else:
            self._delayed = True
            self._timer.schedule(self._delay)

    @callback
    def shut_down(self) -> None:
        """Cancel a delayed refresh, and delay no other."""
        self._timer.shut_down()

    @callback
    def _delay_over(self) -> None:
        self._delayed = False
        self.now()
        if self._repeat:
            self._repeat = False
            self.soon()

    async def _refresh(self) -> None:
        async with self._lock:
            async with self._writing:
                self._waiting = False
            await self._coordinator.async_refresh()
