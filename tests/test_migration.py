"""Entries of earlier versions."""

from ssl import SSLContext

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, instance_id

from .common import (
    DIRECT_HASH,
    OTHER_MACHINE,
    direct_url,
    fingerprint,
    restart,
    states,
    typed,
)
from .simulator import PlexSimulator


async def load(
    hass: HomeAssistant,
    plex: PlexSimulator,
    minor_version: int = 1,
    unique_id: str | None = None,
    **changes: str | bool,
) -> MockConfigEntry:
    """Set up an entry of another version."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=unique_id or plex.machine_identifier,
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
    assert (entry.version, entry.minor_version) == (1, 3)
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
    ("verify_ssl", "proof"), [(True, "direct_hash"), (False, "fingerprint")]
)
async def test_how_the_server_proves_its_identity_is_stored(
    hass: HomeAssistant,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    proof: str,
    *,
    verify_ssl: bool,
) -> None:
    await restart(plex, direct_tls)
    entry = await load(hass, plex, url=direct_url(plex), verify_ssl=verify_ssl)
    assert entry.state is ConfigEntryState.LOADED
    known = {"direct_hash": DIRECT_HASH, "fingerprint": await fingerprint(plex)}
    assert {key: entry.data.get(key) for key in known} == {
        key: known[key] if key == proof else None for key in known
    }


async def test_a_certificate_is_accepted_only_with_the_right_server(
    hass: HomeAssistant, plex: PlexSimulator, self_signed: SSLContext
) -> None:
    await restart(plex, self_signed)
    entry = await load(hass, plex, unique_id=OTHER_MACHINE, verify_ssl=False)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "fingerprint" not in entry.data


async def test_hours_were_numbers(hass: HomeAssistant, plex: PlexSimulator) -> None:
    """What the user changed is kept, and nothing is left of the number."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=plex.machine_identifier,
        data=typed(plex),
        minor_version=2,
    )
    entry.add_to_hass(hass)
    registry = er.async_get(hass)
    number = registry.async_get_or_create(
        "number",
        DOMAIN,
        f"{plex.machine_identifier}_window_start",
        config_entry=entry,
        hidden_by=er.RegistryEntryHider.USER,
        suggested_object_id="night",
    )
    changes = {
        "name": "Night",
        "labels": {"plex"},
        "aliases": ["the night"],
        "categories": {"helpers": "category"},
    }
    registry.async_update_entity(number.entity_id, **changes)
    exposed = {"should_expose": True}
    registry.async_update_entity_options(number.entity_id, "conversation", exposed)
    other = registry.async_get_or_create(
        "switch",
        DOMAIN,
        f"{plex.machine_identifier}_BackupDatabase_enabled",
        config_entry=entry,
        suggested_object_id="other",
    )
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.minor_version == 3
    assert not hass.states.async_all("number")
    assert registry.async_get(number.entity_id) is None
    select = registry.async_get("select.night")
    assert (select.unique_id, select.hidden_by) == (number.unique_id, number.hidden_by)
    assert {key: getattr(select, key) for key in changes} == changes
    assert select.options["conversation"] == exposed
    assert states(hass, "select.night", other.entity_id) == ["02:00", "on"]


async def test_a_later_minor_version_is_left_alone(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    entry = await load(hass, plex, minor_version=4)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.minor_version == 4
    assert entry.data == typed(plex)
