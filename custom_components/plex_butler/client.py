"""The client of a server, made of what its config entry holds."""

from collections.abc import Mapping
from typing import Any

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import instance_id
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.loader import async_get_integration

from .const import DOMAIN
from .plex import ClientInfo, PlexServer


async def async_create_server(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PlexServer:
    """Return the client of a server; raises PlexError if the data can be none's."""
    integration = await async_get_integration(hass, DOMAIN)
    return PlexServer(
        async_get_clientsession(hass, verify_ssl=data[CONF_VERIFY_SSL]),
        data[CONF_URL],
        data.get(CONF_TOKEN),
        client=ClientInfo(
            identifier=f"{DOMAIN}-{await instance_id.async_get(hass)}",
            version=str(integration.version),
            device_name="Home Assistant",
            language=hass.config.language,
        ),
    )
