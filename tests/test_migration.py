"""Entries of earlier versions."""

from ssl import SSLContext

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import instance_id

from .common import DIRECT_HASH, direct_url, restart, typed
from .simulator import PlexSimulator


async def load(
    hass: HomeAssistant,
    plex: PlexSimulator,
    minor_version: int = 1,
    **changes: str | bool,
) -> MockConfigEntry:
    """Set up an entry of another version."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=plex.machine_identifier,
        data=typed(plex, **changes),
        minor_version=minor_version,
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    return entry


async def test_the_client_identifier_of_its_token_is_kept(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    """Before, all entries shared one."""
    entry = await load(hass, plex)
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.version, entry.minor_version) == (1, 2)
    identifier = f"plex_butler-{await instance_id.async_get(hass)}"
    assert entry.data == typed(plex, client_identifier=identifier)
    sent = {
        request.headers["X-Plex-Client-Identifier"]
        for request in plex.requests
        if request.token
    }
    assert sent == {identifier}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("verify_ssl", "proof"), [(True, {"direct_hash": DIRECT_HASH}), (False, {})]
)
async def test_the_hash_of_a_verified_name_is_stored(
    hass: HomeAssistant,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    proof: dict[str, str],
    *,
    verify_ssl: bool,
) -> None:
    await restart(plex, direct_tls)
    entry = await load(hass, plex, url=direct_url(plex), verify_ssl=verify_ssl)
    assert entry.state is ConfigEntryState.LOADED
    assert {
        key: entry.data[key]
        for key in ("direct_hash", "fingerprint")
        if key in entry.data
    } == proof


async def test_a_later_minor_version_is_left_alone(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    entry = await load(hass, plex, minor_version=3)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.minor_version == 3
    assert entry.data == typed(plex)
