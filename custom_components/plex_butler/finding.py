"""Finding a server again whose address or certificate has changed."""

from collections.abc import Iterable

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant

from .const import CONF_ACCOUNT_TOKEN, LOGGER
from .helpers import async_create_account, async_discover, async_find_address
from .plex import PlexError, direct_url, normalize_url, read_certificate


async def async_follow(
    hass: HomeAssistant, entry: ConfigEntry, urls: Iterable[str]
) -> bool:
    """Give an entry the URL its server has moved to, if it is one of these.

    It has not moved as long as it answers where it was. A secure connection is only
    ever replaced by another: what was sent in secret stays so.
    """
    current: str = entry.data[CONF_URL]
    candidates = [
        url
        for url in urls
        if url.startswith("https:") or not current.startswith("https:")
    ]
    if not candidates or entry.unique_id is None:
        return False
    url = await async_find_address(
        hass,
        [current, *candidates],
        entry.unique_id,
        verify_ssl=entry.data[CONF_VERIFY_SSL],
    )
    if url is None or str(url) == current:
        return False
    LOGGER.info("%s has moved, and answers at another address now", entry.title)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_URL: str(url)}
    )
    hass.config_entries.async_schedule_reload(entry.entry_id)
    return True


async def async_find_again(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Look for a server wherever it may tell its address; return if that helped.

    What plex.tv says is proven, so it comes first.
    """
    for look in (_at_plex_tv, _at_its_certificate, _on_the_network):
        if await async_follow(hass, entry, await look(hass, entry)):
            return True
    return False


async def _at_its_certificate(_hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return the name in the certificate, which changes when that is renewed."""
    url = normalize_url(entry.data[CONF_URL])
    certificate = await read_certificate(url)
    if certificate is None or certificate.direct_hash is None or url.port is None:
        return []
    direct = direct_url(certificate.address, certificate.direct_hash, url.port)
    return [str(direct)] if direct else []


async def _on_the_network(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    return [
        url
        for server in await async_discover(hass)
        if server.machine_identifier == entry.unique_id
        for url in server.urls
    ]


async def _at_plex_tv(hass: HomeAssistant, entry: ConfigEntry) -> list[str]:
    """Return what plex.tv tells to who signed in there."""
    if not (token := entry.data.get(CONF_ACCOUNT_TOKEN)):
        return []
    account = await async_create_account(hass, entry.data)
    try:
        servers = await account.get_server_resources(token)
    except PlexError:
        return []
    return [
        url
        for server in servers
        if server.machine_identifier == entry.unique_id
        for url in server.urls
    ]
