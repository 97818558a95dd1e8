"""Setting up a server by hand, and mending its token and address."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .common import (
    OF_TASK,
    OTHER_MACHINE,
    Tick,
    choose,
    start_flow,
    stored,
    submit,
    suggested,
    typed,
)
from .simulator import Fault, PlexSimulator


async def start(hass: HomeAssistant) -> Any:
    """Open the form for address and token."""
    return await choose(hass, await start_flow(hass), "manual")


async def test_user(hass: HomeAssistant, plex: PlexSimulator) -> None:
    result = await start(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "manual"
    assert not result["errors"]
    assert "support.plex.tv" in result["description_placeholders"]["article"]

    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Media Server"
    assert result["data"] == stored(plex)
    assert result["result"].unique_id == plex.machine_identifier
    assert result["result"].state is ConfigEntryState.LOADED


async def test_what_was_typed_is_tidied(
    hass: HomeAssistant, plex: PlexSimulator
) -> None:
    result = await submit(
        hass,
        await start(hass),
        **typed(
            plex,
            url=f"  127.0.0.1:{plex.port}/web/index.html#!/  ",
            token=f" {plex.token}\n",
        ),
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == stored(plex)


@pytest.mark.parametrize("token", [{}, {CONF_TOKEN: ""}, {CONF_TOKEN: " "}])
async def test_unclaimed_server(
    hass: HomeAssistant, plex: PlexSimulator, token: dict[str, str]
) -> None:
    plex.token = None
    result = await submit(
        hass, await start(hass), url=plex.url, verify_ssl=True, **token
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][CONF_TOKEN] is None
    assert result["result"].unique_id == plex.machine_identifier


async def test_server_without_a_name(hass: HomeAssistant, plex: PlexSimulator) -> None:
    plex.name = ""
    result = await submit(hass, await start(hass), **typed(plex))
    assert result["title"] == "127.0.0.1"
    assert result["result"].unique_id == plex.machine_identifier


async def test_server_that_is_set_up_already(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    result = await submit(hass, await start(hass), **typed(plex))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_second_server(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        result = await submit(hass, await start(hass), **typed(other))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["result"].unique_id == OTHER_MACHINE


async def test_reauth(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """From polls that are refused for some time to the server that is back."""
    plex.token = "new"
    for _ in range(3):
        await tick(60)
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["menu_options"] == ["plex_tv", "token"]
    assert result["description_placeholders"]["server"] == "Media Server"

    result = await choose(hass, result, "token")
    assert suggested(result) == {}
    plex.requests.clear()
    result = await submit(hass, result, token="")
    assert result["errors"] == {CONF_TOKEN: "token_required"}
    assert plex.requests == []
    result = await submit(hass, result, token="wrong")
    assert result["step_id"] == "token"
    assert result["errors"] == {CONF_TOKEN: "invalid_auth"}

    result = await submit(hass, result, token="new")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert loaded.data == stored(plex)
    assert loaded.unique_id == plex.machine_identifier
    assert hass.states.get(f"sensor.{OF_TASK}backup_database").state == "idle"


async def test_reauth_while_the_server_is_busy(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    result = await choose(hass, await loaded.start_reauth_flow(hass), "token")
    plex.inject(Fault.MAINTENANCE)
    result = await submit(hass, result, token=plex.token)
    assert result["step_id"] == "token"
    assert result["errors"] == {"base": "server_busy"}

    plex.clear_faults()
    result = await submit(hass, result, token=plex.token)
    assert result["reason"] == "reauth_successful"


async def test_reauth_while_the_server_is_away(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    """The new token is kept, and the address can be mended."""
    result = await choose(hass, await loaded.start_reauth_flow(hass), "token")
    await plex.stop()
    plex.token = "new"
    result = await submit(hass, result, token=plex.token)
    assert result["step_id"] == "address"
    assert result["errors"] == {CONF_URL: "cannot_connect"}
    assert suggested(result) == {CONF_URL: plex.url, CONF_VERIFY_SSL: True}

    await plex.start()
    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["reason"] == "reauth_successful"
    assert loaded.data == stored(plex)


async def test_reauth_refuses_another_server(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    result = await choose(hass, await loaded.start_reauth_flow(hass), "token")
    plex.machine_identifier = OTHER_MACHINE
    plex.requests.clear()
    was = dict(loaded.data)
    result = await submit(hass, result, token="new")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "wrong_server"
    assert loaded.data == was
    assert {request.token for request in plex.requests} == {None}


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Open the form for address and token of a server that is set up."""
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    assert result["menu_options"] == ["manual", "plex_tv"]
    return await choose(hass, result, "manual")


async def test_reconfigure(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    result = await reconfigure(hass, loaded)
    assert result["step_id"] == "manual"
    # What is stored is shown, but for the token: a browser has no need of it.
    assert suggested(result) == {CONF_URL: plex.url, CONF_VERIFY_SSL: True}

    await plex.stop()
    plex.port = 0
    await plex.start()
    result = await submit(hass, result, url=plex.url, verify_ssl=False)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert loaded.data == stored(plex, verify_ssl=False)
    assert loaded.unique_id == plex.machine_identifier
    assert loaded.state is ConfigEntryState.LOADED


async def test_reconfigure_the_token(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.token = "new"
    result = await reconfigure(hass, loaded)
    result = await submit(hass, result, **typed(plex, token="wrong"))
    assert result["errors"] == {CONF_TOKEN: "invalid_auth"}
    assert suggested(result) == typed(plex, token="wrong")

    result = await submit(hass, result, **typed(plex))
    assert result["reason"] == "reconfigure_successful"
    assert loaded.data == stored(plex)


async def test_reconfigure_with_an_address_that_is_none(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    result = await reconfigure(hass, loaded)
    result = await submit(hass, result, url="http://", verify_ssl=True)
    assert result["errors"] == {CONF_URL: "invalid_url"}

    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["reason"] == "reconfigure_successful"


async def test_reconfigure_refuses_another_server(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    was = dict(loaded.data)
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        result = await reconfigure(hass, loaded)
        result = await submit(hass, result, **typed(other))
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "wrong_server"
    assert loaded.data == was
