"""Setting up a server that was found on the network."""

from ipaddress import ip_address
from ssl import SSLContext
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.components.network import Adapter
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_ZEROCONF,
    ConfigEntryState,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .common import (
    DIRECT_HASH,
    OTHER_MACHINE,
    choose,
    direct_url,
    move,
    options,
    restart,
    start_flow,
    stored,
    submit,
    suggested,
    typed,
)
from .simulator import GdmResponder, GdmServer, PlexSimulator

SERVICE = "_plexmediasvr._tcp.local."


async def search(hass: HomeAssistant) -> Any:
    return await choose(hass, await start_flow(hass), "network")


async def test_from_the_search_to_the_entry(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator
) -> None:
    gdm.servers = [GdmServer.of(plex)]
    result = await search(hass)
    assert result["step_id"] == "network"
    assert options(result) == {plex.machine_identifier: "Media Server (127.0.0.1)"}

    # All that is asked for is how to sign in.
    result = await submit(hass, result, server=plex.machine_identifier)
    assert result["step_id"] == "sign_in"
    result = await choose(hass, result, "manual")
    assert suggested(result) == {CONF_URL: plex.url, CONF_VERIFY_SSL: True}
    result = await submit(hass, result, **typed(plex, token="wrong"))
    assert result["errors"] == {CONF_TOKEN: "invalid_auth"}
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Media Server"
    assert result["data"] == stored(plex)
    assert result["result"].unique_id == plex.machine_identifier
    assert result["result"].state is ConfigEntryState.LOADED


async def test_an_unclaimed_server_asks_for_nothing(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator
) -> None:
    plex.token = None
    gdm.servers = [GdmServer.of(plex)]
    result = await search(hass)
    result = await submit(hass, result, server=plex.machine_identifier)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


async def test_a_server_that_wants_secure_connections(
    hass: HomeAssistant,
    gdm: GdmResponder,
    plex: PlexSimulator,
    trusted: None,
    direct_tls: SSLContext,
) -> None:
    """Its reply tells under which name its certificate is valid."""
    await restart(plex, direct_tls)
    gdm.servers = [GdmServer.of(plex, DIRECT_HASH)]
    result = await search(hass)
    result = await submit(hass, result, server=plex.machine_identifier)
    result = await choose(hass, result, "manual")
    assert suggested(result)[CONF_URL] == direct_url(plex)
    result = await submit(hass, result, **typed(plex, url=direct_url(plex)))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    assert result["result"].state is ConfigEntryState.LOADED


async def test_nothing_is_found_at_first(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator
) -> None:
    gdm.raw_replies = [b"who asks?", b"\xff" * 2000]
    result = await search(hass)
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == "nothing_found"
    assert result["menu_options"] == ["network", "plex_tv", "manual"]

    gdm.servers = [GdmServer.of(plex)]
    result = await choose(hass, result, "network")
    result = await submit(hass, result, server=plex.machine_identifier)
    result = await choose(hass, result, "manual")
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_without_a_network_nothing_is_found(hass: HomeAssistant) -> None:
    result = await choose(hass, await start_flow(hass), "network")
    assert result["step_id"] == "nothing_found"


async def test_a_network_that_is_not_to_be_used_is_not_searched(
    hass: HomeAssistant,
    gdm: GdmResponder,
    interfaces: list[Adapter],
    plex: PlexSimulator,
) -> None:
    interfaces[0]["enabled"] = False
    gdm.servers = [GdmServer.of(plex)]
    result = await choose(hass, await start_flow(hass), "network")
    assert result["step_id"] == "nothing_found"
    assert gdm.searches == 0


async def test_a_server_that_has_gone_meanwhile(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator
) -> None:
    gdm.servers = [GdmServer.of(plex, DIRECT_HASH)]
    result = await search(hass)
    await plex.stop()
    result = await submit(hass, result, server=plex.machine_identifier)
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "no_address"}
    assert suggested(result) == {CONF_URL: plex.url, CONF_VERIFY_SSL: True}

    await plex.start()
    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    result = await choose(hass, result, "token")
    result = await submit(hass, result, token=plex.token)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


async def test_another_server_answers_at_the_address(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator
) -> None:
    gdm.servers = [GdmServer.of(plex)]
    plex.machine_identifier = OTHER_MACHINE
    result = await search(hass)
    (claimed,) = options(result)
    result = await submit(hass, result, server=claimed)
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "no_address"}

    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "wrong_server"


async def test_a_token_goes_nowhere_before_the_address_was_confirmed(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator
) -> None:
    """Anybody may answer a search with the machineIdentifier of the server."""
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        result = await search(hass)
        result = await submit(hass, result, server=plex.machine_identifier)
        assert result["step_id"] == "sign_in"
        assert result["menu_options"] == ["plex_tv", "manual"]
        result = await choose(hass, result, "manual")
        assert suggested(result)[CONF_URL] == impostor.url
        result = await submit(hass, result, **typed(plex))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == stored(plex)
        assert {request.token for request in impostor.requests} == {None}


@pytest.mark.usefixtures("trusted")
async def test_a_search_updates_the_address_of_a_server_that_is_set_up(
    hass: HomeAssistant,
    gdm: GdmResponder,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    direct_tls: SSLContext,
) -> None:
    await restart(plex, direct_tls)
    secure = typed(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    hass.config_entries.async_update_entry(entry, data=secure)
    await hass.config_entries.async_setup(entry.entry_id)
    await move(plex)
    gdm.servers = [GdmServer.of(plex, DIRECT_HASH)]
    result = await search(hass)
    assert result["step_id"] == "nothing_found"
    assert entry.data == {**secure, "url": direct_url(plex)}


async def test_a_search_that_a_server_which_is_set_up_does_not_answer(
    hass: HomeAssistant,
    gdm: GdmResponder,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
) -> None:
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        gdm.servers = [GdmServer.of(other)]
        assert options(await search(hass)).keys() == {OTHER_MACHINE}
        assert loaded.data == stored(plex)


async def test_a_server_that_answers_where_it_was_stays_there(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator, loaded: MockConfigEntry
) -> None:
    """A reply to a search proves nothing."""
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        was, coordinator = dict(loaded.data), loaded.runtime_data
        await search(hass)
        assert loaded.data == was
        assert loaded.runtime_data is coordinator  # nor was it loaded anew
        assert {request.token for request in impostor.requests} <= {None}


async def announce(hass: HomeAssistant, port: int | None, name: str = "Media") -> Any:
    return await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_ZEROCONF},
        data=ZeroconfServiceInfo(
            ip_address=ip_address("127.0.0.1"),
            ip_addresses=[ip_address("127.0.0.1")],
            port=port,
            hostname="media.local.",
            type=SERVICE,
            name=f"{name}.{SERVICE}",
            properties={},
        ),
    )


async def test_zeroconf(hass: HomeAssistant, plex: PlexSimulator) -> None:
    result = await announce(hass, plex.port, "[Media](http://evil.example)")
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "discovered"
    assert result["description_placeholders"] == {
        "server": r"\[Media\]\(http\:\/\/evil\.example\)",
        "address": r"127\.0\.0\.1",
    }
    (flow,) = hass.config_entries.flow.async_progress()
    # What anybody on the network may write is not in the title.
    assert flow["context"]["title_placeholders"] == {"address": "127.0.0.1"}
    assert flow["context"]["unique_id"] == plex.machine_identifier

    result = await submit(hass, result)
    result = await choose(hass, result, "manual")
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Media Server"
    assert result["data"] == stored(plex)
    assert result["result"].unique_id == plex.machine_identifier


async def test_zeroconf_of_a_server_that_wants_secure_connections(
    hass: HomeAssistant, plex: PlexSimulator, trusted: None, direct_tls: SSLContext
) -> None:
    await restart(plex, direct_tls)
    result = await submit(hass, await announce(hass, plex.port))
    result = await choose(hass, result, "manual")
    assert suggested(result)[CONF_URL] == direct_url(plex)
    result = await submit(hass, result, **typed(plex, url=direct_url(plex)))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)


async def test_zeroconf_asks_about_the_address_of_a_server_that_is_set_up(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    await move(plex)
    result = await announce(hass, plex.port)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert issue_registry.async_get_issue(DOMAIN, f"new_address_{loaded.entry_id}")


async def test_an_announcement_that_the_user_ignores(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    """It stays so, but the user may still set the server up."""
    MockConfigEntry(
        domain=DOMAIN, unique_id=plex.machine_identifier, source=SOURCE_IGNORE
    ).add_to_hass(hass)
    result = await announce(hass, plex.port)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"

    result = await choose(hass, await start_flow(hass), "manual")
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_same_announcement_again(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    await announce(hass, plex.port)
    result = await announce(hass, plex.port)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_in_progress"


@pytest.mark.parametrize("port", [None, 1])
async def test_an_announcement_of_nobody(
    hass: HomeAssistant, socket_enabled: None, port: int | None
) -> None:
    result = await announce(hass, port)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "cannot_connect"
