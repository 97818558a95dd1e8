"""Setting up a server that Home Assistant's own Plex integration knows."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .common import (
    OTHER_MACHINE,
    choose,
    options,
    start_flow,
    stored,
    submit,
    suggested,
)
from .simulator import Fault, PlexSimulator


def add_plex_entry(
    hass: HomeAssistant, plex: PlexSimulator, **config: Any
) -> MockConfigEntry:
    """Add the entry that the Plex integration makes of a server."""
    entry = MockConfigEntry(
        domain="plex",
        title=plex.name,
        unique_id=plex.machine_identifier,
        data={
            "server": plex.name,
            "server_id": plex.machine_identifier,
            "server_config": {
                "url": plex.url,
                "token": plex.token,
                "verify_ssl": True,
                **config,
            },
        },
    )
    entry.add_to_hass(hass)
    return entry


async def test_one_click(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.name = "My <b>Server</b>"
    add_plex_entry(hass, plex, verify_ssl=False)
    result = await start_flow(hass)
    assert result["menu_options"] == ["plex", "network", "plex_tv", "manual"]
    # An option of a menu is no Markdown, and shows this as it is.
    assert result["description_placeholders"]["names"] == "My <b>Server</b>"

    result = await choose(hass, result, "plex")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "My <b>Server</b>"
    assert result["data"] == stored(plex, verify_ssl=False)
    assert result["result"].unique_id == plex.machine_identifier
    assert result["result"].state is ConfigEntryState.LOADED


async def test_one_of_several(hass: HomeAssistant, plex: PlexSimulator) -> None:
    async with PlexSimulator(machine_identifier=OTHER_MACHINE, name="Cellar") as other:
        add_plex_entry(hass, plex)
        add_plex_entry(hass, other)
        result = await start_flow(hass)
        names = result["description_placeholders"]["names"]
        assert names == "Media Server, Cellar"

        result = await choose(hass, result, "plex")
        assert options(result) == {
            plex.machine_identifier: "Media Server",
            OTHER_MACHINE: "Cellar",
        }
        result = await submit(hass, result, server=OTHER_MACHINE)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == stored(other)
        assert result["result"].unique_id == OTHER_MACHINE


async def test_a_server_that_is_set_up_is_not_offered(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    add_plex_entry(hass, plex)
    result = await start_flow(hass)
    assert result["menu_options"] == ["network", "plex_tv", "manual"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"server": "A", "server_id": None, "server_config": {"url": "u"}},
        {"server": "A", "server_id": ["f"], "server_config": {"url": "u"}},
        {"server": "A", "server_id": "f", "server_config": None},
        {"server": "A", "server_id": "f", "server_config": {"url": 7}},
        {"server": "A", "server_id": "f", "server_config": {"url": "u", "token": 7}},
    ],
)
async def test_an_entry_that_is_not_understood_is_not_offered(
    hass: HomeAssistant, data: dict[str, Any]
) -> None:
    MockConfigEntry(domain="plex", data=data).add_to_hass(hass)
    result = await start_flow(hass)
    assert result["menu_options"] == ["network", "plex_tv", "manual"]


async def test_the_server_is_away(hass: HomeAssistant, plex: PlexSimulator) -> None:
    """Its token is kept, and not shown."""
    add_plex_entry(hass, plex)
    await plex.stop()
    result = await choose(hass, await start_flow(hass), "plex")
    assert result["step_id"] == "address"
    assert result["errors"] == {CONF_URL: "cannot_connect"}
    assert result["description_placeholders"]["server"] == "Media Server"
    assert suggested(result) == {CONF_URL: plex.url, CONF_VERIFY_SSL: True}

    await plex.start()
    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


async def test_its_address_is_none(hass: HomeAssistant, plex: PlexSimulator) -> None:
    add_plex_entry(hass, plex, url="http://[")
    result = await choose(hass, await start_flow(hass), "plex")
    assert result["step_id"] == "address"
    assert result["errors"] == {CONF_URL: "invalid_url"}

    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_its_token_is_not_the_owners(
    hass: HomeAssistant, plex: PlexSimulator, fault: Fault
) -> None:
    add_plex_entry(hass, plex, token="dead")
    plex.inject(fault, "/butler")
    result = await choose(hass, await start_flow(hass), "plex")
    assert result["step_id"] == "sign_in"
    assert result["menu_options"] == ["plex_tv", "token"]

    plex.clear_faults()
    result = await choose(hass, result, "token")
    result = await submit(hass, result, token="wrong")
    assert result["errors"] == {CONF_TOKEN: "invalid_auth"}
    result = await submit(hass, result, token=plex.token)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


async def test_another_server_answers(hass: HomeAssistant, plex: PlexSimulator) -> None:
    """It gets no token."""
    add_plex_entry(hass, plex)
    plex.machine_identifier = OTHER_MACHINE
    result = await choose(hass, await start_flow(hass), "plex")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "wrong_server"
    assert [request.token for request in plex.requests] == [None]
