"""Setting up a server, and mending its token, by signing in with plex.tv."""

from dataclasses import replace
from ssl import SSLContext
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import (
    CONF_ACCOUNT_TOKEN,
    CONF_CLIENT_IDENTIFIER,
    CONF_FINGERPRINT,
    DOMAIN,
)
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from tests.common import (
    CLIENT,
    DIRECT_HASH,
    OTHER_MACHINE,
    PIN_PATH,
    Hung,
    PlexTv,
    Tick,
    choose,
    direct_url,
    fingerprint,
    go_on,
    move,
    options,
    restart,
    start_flow,
    stored,
    submit,
    suggested,
    typed,
)
from tests.simulator import (
    AccountConnection,
    AccountServer,
    Fault,
    GdmResponder,
    GdmServer,
    PlexSimulator,
    RecordedRequest,
)


def signed_in(plex_tv: PlexTv, plex: PlexSimulator, **changes: Any) -> dict[str, Any]:
    """Return what is stored of a server after signing in."""
    token = plex_tv.simulator.account_token
    return stored(plex, **{CONF_ACCOUNT_TOKEN: token, **changes})


async def sign_in(hass: HomeAssistant) -> Any:
    return await choose(hass, await start_flow(hass), "plex_tv")


async def test_from_the_code_to_the_entry(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv, tick: Tick
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await sign_in(hass)
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    assert result["progress_action"] == "enter_code"
    (code,) = plex_tv.simulator.codes
    assert result["description_placeholders"] == {
        "code": code,
        "url": f"https://plex.tv/link/?pin={code}",
    }
    await tick(3)
    result = await go_on(hass, result)
    assert result["type"] is FlowResultType.SHOW_PROGRESS

    # Nothing is added, and no token sent, before the user agrees.
    result = await plex_tv.confirm(result)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "servers"
    assert options(result) == {plex.machine_identifier: "Media Server"}
    assert plex.requests == []
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == "unencrypted"
    assert result["menu_options"] == ["send_unencrypted", "other_address"]
    assert result["description_placeholders"]["server"] == "Media Server"
    assert result["description_placeholders"]["url"] == plex.url
    assert {request.token for request in plex.requests} == {None}

    result = await choose(hass, result, "send_unencrypted")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Media Server"
    assert result["data"] == signed_in(plex_tv, plex)
    assert result["result"].unique_id == plex.machine_identifier
    assert result["result"].state is ConfigEntryState.LOADED


async def test_each_token_goes_to_its_own_server_only(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await sign_in(hass)
    pins = plex_tv.simulator.requests.copy()
    await plex_tv.sign_in(result, new=True)

    asked = [*pins, *plex_tv.simulator.requests]
    tokens = {(one.raw_path, one.token) for one in asked}
    assert tokens == {
        ("/api/v2/pins", None),
        (PIN_PATH, None),
        ("/api/v2/resources", plex_tv.simulator.account_token),
    }
    assert {one.token for one in plex.requests} == {None, plex.token}
    requests = [*asked, *plex.requests]
    assert [one.query for one in requests if "oken" in one.query] == []


def identifiers(requests: list[RecordedRequest]) -> set[str | None]:
    """Return the client identifiers in requests with a token, or for one."""
    return {
        request.headers["X-Plex-Client-Identifier"]
        for request in requests
        if request.raw_path != "/identity"
    }


async def test_a_second_sign_in_leaves_the_first_token_alone(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """It would not with the same client identifier."""
    entries = []
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        for server in (plex, other):
            plex_tv.simulator.requests.clear()
            plex_tv.simulator.servers = [AccountServer.of(server)]
            result = await sign_in(hass)
            (new_pin,) = plex_tv.simulator.requests
            result = await plex_tv.sign_in(result, new=True)
            used = identifiers([new_pin, *plex_tv.simulator.requests, *server.requests])
            assert used == {result["data"][CONF_CLIENT_IDENTIFIER]}
            entries.append(result["result"])
    first, second = (entry.data[CONF_CLIENT_IDENTIFIER] for entry in entries)
    assert first != second


async def test_one_of_several_servers(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    async with PlexSimulator(machine_identifier=OTHER_MACHINE, name="Cellar") as other:
        plex_tv.simulator.servers = [
            AccountServer.of(plex),
            AccountServer.of(other),
            replace(
                AccountServer.of(plex, owned=False),
                client_identifier="shared",
                name="A friend's",
            ),
            replace(
                AccountServer.of(plex),
                client_identifier="player",
                provides="client,player",
            ),
        ]
        result = await plex_tv.confirm(await sign_in(hass))
        assert result["step_id"] == "servers"
        assert options(result) == {
            plex.machine_identifier: "Media Server",
            OTHER_MACHINE: "Cellar",
        }
        result = await submit(hass, result, server=OTHER_MACHINE)
        result = await choose(hass, result, "send_unencrypted")
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == signed_in(plex_tv, other)


async def test_servers_that_are_set_up_are_left_out(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        plex_tv.simulator.servers = [AccountServer.of(plex), AccountServer.of(other)]
        result = await plex_tv.sign_in(await sign_in(hass), new=True)
        assert result["result"].unique_id == OTHER_MACHINE

        result = await plex_tv.confirm(await sign_in(hass))
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "already_configured"


async def test_a_server_whose_discovery_was_ignored_is_offered(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    MockConfigEntry(
        domain=DOMAIN, unique_id=plex.machine_identifier, source=SOURCE_IGNORE
    ).add_to_hass(hass)
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await plex_tv.sign_in(await sign_in(hass), new=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == signed_in(plex_tv, plex)


async def test_the_secure_address_comes_first(
    hass: HomeAssistant,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    trusted: None,
    direct_tls: SSLContext,
) -> None:
    """No name server knows plex.direct here, and none is needed."""
    await restart(plex, direct_tls)
    connection = AccountConnection.of(plex, direct_hash=DIRECT_HASH)
    plex_tv.simulator.servers = [AccountServer.of(plex, connections=[connection])]
    result = await plex_tv.choose(await sign_in(hass))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == signed_in(
        plex_tv, plex, url=direct_url(plex), direct_hash=DIRECT_HASH
    )
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("trusted")
async def test_every_secure_address_comes_before_any_other(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv, direct_tls: SSLContext
) -> None:
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as plain:
        await restart(plex, direct_tls)
        connections = [
            AccountConnection.of(plain),
            AccountConnection.of(plex, direct_hash=DIRECT_HASH, relay=True),
        ]
        plex_tv.simulator.servers = [
            replace(
                AccountServer.of(plex, connections=connections), https_required=False
            )
        ]
        result = await plex_tv.choose(await sign_in(hass))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"][CONF_URL] == direct_url(plex)
        assert plain.requests == []


async def test_another_address_than_one_without_encryption(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await plex_tv.choose(await sign_in(hass))
    result = await choose(hass, result, "other_address")
    assert result["step_id"] == "address"
    assert suggested(result) == {CONF_URL: plex.url, CONF_VERIFY_SSL: True}


async def test_dead_addresses_and_impostors_are_passed_over(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as impostor:
        connections = [
            AccountConnection.dead(),
            AccountConnection.of(impostor),
            AccountConnection.of(plex),
        ]
        plex_tv.simulator.servers = [AccountServer.of(plex, connections=connections)]
        result = await plex_tv.sign_in(await sign_in(hass), new=True)
        assert result["data"] == signed_in(plex_tv, plex)
        # It was asked who it is, and no more.
        assert [one.raw_path for one in impostor.requests] == ["/identity"]
        assert [one.token for one in impostor.requests] == [None]


async def test_no_address_answers(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """Signing in was not in vain: only the address is asked for."""
    connections = [AccountConnection.dead()]
    plex_tv.simulator.servers = [AccountServer.of(plex, connections=connections)]
    result = await plex_tv.choose(await sign_in(hass))
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "no_address"}
    assert result["description_placeholders"]["server"] == "Media Server"
    assert suggested(result) == {CONF_VERIFY_SSL: True}

    result = await submit(hass, result, url="127.0.0.1:1", verify_ssl=True)
    assert result["errors"] == {CONF_URL: "cannot_connect"}
    result = await submit(hass, result, url=plex.url, verify_ssl=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == signed_in(plex_tv, plex)


async def test_the_address_of_another_server_gets_no_token(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    connections = [AccountConnection.dead()]
    plex_tv.simulator.servers = [AccountServer.of(plex, connections=connections)]
    result = await plex_tv.choose(await sign_in(hass))
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        result = await submit(hass, result, url=other.url, verify_ssl=True)
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "wrong_server"
        assert [one.token for one in other.requests] == [None]


async def test_the_server_refuses_the_token_of_plex_tv(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    plex_tv.simulator.servers = [
        replace(AccountServer.of(plex), access_token="not yet known to the server")
    ]
    result = await plex_tv.sign_in(await sign_in(hass), new=True)
    assert result["step_id"] == "sign_in"
    assert result["menu_options"] == ["plex_tv", "token"]

    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await choose(hass, result, "plex_tv")
    result = await plex_tv.sign_in(result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == signed_in(plex_tv, plex)


def shared(plex: PlexSimulator) -> list[AccountServer]:
    return [AccountServer.of(plex, owned=False)]


def none(_plex: PlexSimulator) -> list[AccountServer]:
    return []


@pytest.mark.parametrize("servers", [none, shared])
async def test_an_account_without_a_server_of_its_own(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv, servers: Any
) -> None:
    plex_tv.simulator.servers = servers(plex)
    result = await plex_tv.confirm(await sign_in(hass))
    assert result["step_id"] == "no_servers"
    assert result["menu_options"] == ["plex_tv", "manual"]

    result = await choose(hass, result, "manual")
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    # The account has nothing to do with this server.
    assert result["data"] == stored(plex)


async def test_another_account_after_one_without_a_server(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    result = await plex_tv.confirm(await sign_in(hass))
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await choose(hass, result, "plex_tv")
    assert len(plex_tv.simulator.codes) == 2
    result = await plex_tv.sign_in(result, new=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_expired_code(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv, tick: Tick
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await sign_in(hass)
    plex_tv.simulator.expire()
    await tick(3)
    result = await go_on(hass, result)
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == "code_expired"
    assert result["menu_options"] == ["plex_tv", "manual"]

    result = await choose(hass, result, "plex_tv")
    old, new = plex_tv.simulator.codes
    assert result["description_placeholders"]["code"] == new != old
    result = await plex_tv.sign_in(result, new=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_code_that_nobody_ever_enters(
    hass: HomeAssistant, plex_tv: PlexTv, tick: Tick
) -> None:
    """It ends by the clock too, where plex.tv cannot be asked."""
    result = await sign_in(hass)
    await plex_tv.simulator.stop()
    await tick(901)
    result = await go_on(hass, result)
    assert result["step_id"] == "code_expired"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RATE_LIMITED_BARE, r"HTTP status 429"),
        (Fault.SERVER_ERROR, r"HTTP status 500"),
        (Fault.HTML, r"not JSON"),
        (Fault.WRONG_TYPES, r"no code"),
    ],
)
async def test_plex_tv_has_no_code(
    hass: HomeAssistant,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    fault: Fault,
    error: str,
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    plex_tv.simulator.inject(fault)
    result = await sign_in(hass)
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == "plex_tv_failed"
    assert result["menu_options"] == ["plex_tv", "manual"]
    assert result["description_placeholders"]["error"] == error

    plex_tv.simulator.clear_faults()
    result = await choose(hass, result, "plex_tv")
    result = await plex_tv.sign_in(result, new=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_plex_tv_cannot_be_reached(hass: HomeAssistant, plex_tv: PlexTv) -> None:
    await plex_tv.simulator.stop()
    result = await sign_in(hass)
    assert result["step_id"] == "plex_tv_failed"
    # What is shown as Markdown reads as it is.
    assert r"127\.0\.0\.1" in result["description_placeholders"]["error"]


async def test_plex_tv_refuses_to_be_asked_for_the_token(
    hass: HomeAssistant, plex_tv: PlexTv, tick: Tick
) -> None:
    plex_tv.simulator.inject(Fault.FORBIDDEN, PIN_PATH)
    result = await sign_in(hass)
    await tick(3)
    result = await go_on(hass, result)
    assert result["step_id"] == "plex_tv_failed"


async def test_plex_tv_does_not_tell_the_servers(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    plex_tv.simulator.inject(Fault.UNAUTHORIZED, "/api/v2/resources")
    result = await plex_tv.confirm(await sign_in(hass))
    assert result["step_id"] == "plex_tv_failed"
    assert result["description_placeholders"]["error"] == "HTTP status 401"

    result = await choose(hass, result, "manual")
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_busy_plex_tv_is_asked_less_often(
    hass: HomeAssistant, plex: PlexSimulator, plex_tv: PlexTv, tick: Tick
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await sign_in(hass)
    plex_tv.simulator.inject(Fault.RATE_LIMITED_BARE, PIN_PATH)
    plex_tv.simulator.requests.clear()
    for polls, seconds in enumerate((3, 6, 12, 24, 30)):
        await tick(seconds - 1)
        assert len(plex_tv.simulator.requests) == polls
        await tick(1)
        assert len(plex_tv.simulator.requests) == polls + 1
    plex_tv.simulator.clear_faults()
    await tick(27)
    result = await plex_tv.sign_in(result, new=True)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_closed_dialog_ends_the_polling(
    hass: HomeAssistant, plex_tv: PlexTv, tick: Tick
) -> None:
    result = await sign_in(hass)
    hass.config_entries.flow.async_abort(result["flow_id"])
    plex_tv.simulator.requests.clear()
    await tick(60)
    assert plex_tv.simulator.requests == []


async def test_signing_in_to_a_server_that_was_found(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """Of all servers of the account it is the one that was chosen."""
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        plex_tv.simulator.servers = [AccountServer.of(other), AccountServer.of(plex)]
        gdm.servers = [GdmServer.of(plex)]
        result = await choose(hass, await start_flow(hass), "network")
        result = await submit(hass, result, server=plex.machine_identifier)
        result = await choose(hass, result, "plex_tv")
        result = await plex_tv.sign_in(result)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == signed_in(plex_tv, plex)


@pytest.mark.usefixtures("trusted")
async def test_plex_tv_knows_better_than_who_answers_a_search(
    hass: HomeAssistant,
    gdm: GdmResponder,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    direct_tls: SSLContext,
) -> None:
    """A machineIdentifier is no secret, and anybody may answer with it."""
    await restart(plex, direct_tls)
    connection = AccountConnection.of(plex, direct_hash=DIRECT_HASH)
    plex_tv.simulator.servers = [AccountServer.of(plex, connections=[connection])]
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        result = await choose(hass, await start_flow(hass), "network")
        result = await submit(hass, result, server=plex.machine_identifier)
        impostor.requests.clear()
        result = await plex_tv.confirm(await choose(hass, result, "plex_tv"))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == signed_in(
            plex_tv, plex, url=direct_url(plex), direct_hash=DIRECT_HASH
        )
        assert impostor.requests == []


async def test_the_token_of_plex_tv_does_not_go_where_a_search_was_answered(
    hass: HomeAssistant, gdm: GdmResponder, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """Not while the server itself is away, either."""
    plex_tv.simulator.servers = [
        AccountServer.of(plex, connections=[AccountConnection.dead()])
    ]
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        result = await choose(hass, await start_flow(hass), "network")
        result = await submit(hass, result, server=plex.machine_identifier)
        result = await plex_tv.confirm(await choose(hass, result, "plex_tv"))
        assert result["step_id"] == "address"
        assert result["errors"] == {"base": "no_address"}
        assert suggested(result)[CONF_URL] == impostor.url
        result = await submit(hass, result, url=plex.url, verify_ssl=True)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["data"] == signed_in(plex_tv, plex)
        assert {request.token for request in impostor.requests} == {None}


async def test_reauth(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    plex.token = "new"
    plex.requests.clear()
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
    requests = plex_tv.simulator.requests.copy()
    result = await plex_tv.sign_in(result)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert loaded.data == signed_in(plex_tv, plex, client_identifier=CLIENT)
    assert loaded.state is ConfigEntryState.LOADED
    requests += plex_tv.simulator.requests
    assert identifiers([*requests, *plex.requests]) == {CLIENT}


async def test_reauth_with_a_shared_client_identifier(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """Two entries of version 1.1 would revoke the token of each other for ever."""
    other = MockConfigEntry(
        domain=DOMAIN, data=dict(loaded.data), unique_id=OTHER_MACHINE, minor_version=3
    )
    other.add_to_hass(hass)
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
    requests = plex_tv.simulator.requests.copy()
    await plex_tv.sign_in(result)
    used = loaded.data[CONF_CLIENT_IDENTIFIER]
    assert used != CLIENT
    assert identifiers([*requests, *plex_tv.simulator.requests]) == {used}
    assert other.data[CONF_CLIENT_IDENTIFIER] == CLIENT


async def test_reconfigure(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """Both the token and the address are new."""
    plex.token = "new"
    await move(plex)
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    result = await choose(hass, await loaded.start_reconfigure_flow(hass), "plex_tv")
    result = await plex_tv.sign_in(result)
    assert result["reason"] == "reconfigure_successful"
    assert loaded.data == signed_in(plex_tv, plex, client_identifier=CLIENT)
    assert loaded.state is ConfigEntryState.LOADED


async def test_reauth_keeps_an_address_that_plex_tv_does_not_know(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    self_signed: SSLContext,
) -> None:
    """Nor does it begin to verify a certificate that was not."""
    await restart(plex, self_signed)
    data = {**entry.data, CONF_URL: plex.url, CONF_VERIFY_SSL: False}
    hass.config_entries.async_update_entry(entry, data=data)
    plex.token = "new"
    plex_tv.simulator.servers = [
        AccountServer.of(plex, connections=[AccountConnection.dead()])
    ]
    result = await choose(hass, await entry.start_reauth_flow(hass), "plex_tv")
    result = await plex_tv.confirm(result)
    assert result["reason"] == "reauth_successful"
    assert entry.data == signed_in(
        plex_tv, plex, verify_ssl=False, fingerprint=await fingerprint(plex)
    )


async def test_reauth_keeps_the_address_that_the_owner_has_chosen(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    """Such as that of a proxy, though the server answers elsewhere, too."""
    plex.token = "new"
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as elsewhere:
        elsewhere.token = "new"
        plex_tv.simulator.servers = [AccountServer.of(elsewhere)]
        result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
        result = await plex_tv.sign_in(result)
        assert result["reason"] == "reauth_successful"
        assert loaded.data == signed_in(plex_tv, plex)


async def test_reauth_keeps_the_address_of_a_server_that_is_slow(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    tick: Tick,
    hung: Hung,
) -> None:
    """A server that does not answer in time has not moved."""
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as elsewhere:
        plex_tv.simulator.servers = [AccountServer.of(elsewhere)]
        result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
        plex.inject(Fault.SLOW, "/identity")
        plex_tv.simulator.confirm()
        await tick(3)
        result = await hung(go_on(hass, result))
        assert result["step_id"] == "unencrypted"
        assert result["description_placeholders"]["url"] == plex.url
        plex.clear_faults()
        result = await choose(hass, result, "send_unencrypted")
        assert result["reason"] == "reauth_successful"
        assert loaded.data == signed_in(plex_tv, plex)
        assert elsewhere.requests == []


@pytest.mark.parametrize("fault", [Fault.MAINTENANCE, Fault.BAD_GATEWAY])
async def test_reauth_keeps_the_address_of_a_server_that_is_busy(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    fault: Fault,
) -> None:
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as elsewhere:
        plex_tv.simulator.servers = [AccountServer.of(elsewhere)]
        result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
        plex.inject(fault, "/identity")
        result = await plex_tv.confirm(result)
        assert result["step_id"] == "unencrypted"
        assert result["description_placeholders"]["url"] == plex.url
        assert elsewhere.requests == []


async def test_reauth_of_a_server_that_has_moved_as_well(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> None:
    plex.token, port = "new", plex.port
    await move(plex)
    async with PlexSimulator(port=port, machine_identifier=OTHER_MACHINE) as other:
        plex_tv.simulator.servers = [AccountServer.of(plex)]
        result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
        result = await plex_tv.sign_in(result)
        assert result["reason"] == "reauth_successful"
        assert loaded.data == signed_in(plex_tv, plex)
        assert {request.token for request in other.requests} == {None}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("tls", [False, True])
async def test_reauth_while_an_impostor_is_at_the_old_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    direct_tls: SSLContext,
    self_signed: SSLContext,
    renewed_tls: SSLContext,
    *,
    tls: bool,
) -> None:
    """It has neither a certificate of the server's nor the one that was accepted."""
    await restart(plex, self_signed if tls else None)
    data = {**entry.data, CONF_URL: plex.url, CONF_VERIFY_SSL: False}
    if tls:
        data[CONF_FINGERPRINT] = await fingerprint(plex)
    hass.config_entries.async_update_entry(entry, data=data)
    port = plex.port
    await plex.stop()
    impostor = PlexSimulator(port=port, machine_identifier=plex.machine_identifier)
    impostor.ssl_context = renewed_tls if tls else None
    plex.port, plex.ssl_context = 0, direct_tls
    await plex.start()
    connection = AccountConnection.of(plex, direct_hash=DIRECT_HASH)
    plex_tv.simulator.servers = [AccountServer.of(plex, connections=[connection])]
    async with impostor:
        result = await choose(hass, await entry.start_reauth_flow(hass), "plex_tv")
        result = await plex_tv.confirm(result)
        assert result["reason"] == "reauth_successful"
        assert {request.token for request in impostor.requests} <= {None}
    assert entry.data == signed_in(
        plex_tv, plex, url=direct_url(plex), direct_hash=DIRECT_HASH
    )


@pytest.mark.parametrize("servers", [none, shared])
async def test_reauth_with_the_account_of_somebody_else(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    servers: Any,
) -> None:
    plex_tv.simulator.servers = servers(plex)
    result = await choose(hass, await loaded.start_reauth_flow(hass), "plex_tv")
    result = await plex_tv.confirm(result)
    assert result["step_id"] == "not_owned"
    assert result["menu_options"] == ["plex_tv", "token"]

    result = await choose(hass, result, "token")
    result = await submit(hass, result, token=plex.token)
    assert result["reason"] == "reauth_successful"
    assert loaded.data == stored(plex)
