"""A person confirms where a lost server is."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .common import (
    DIRECT_HASH,
    RENEWED_HASH,
    Tick,
    direct_url,
    fingerprint,
    move,
    restart,
    settle,
    stored,
    typed,
)
from .simulator import Fault, GdmResponder, GdmServer, PlexSimulator

type Call = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def call(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Call:
    """Open the dialog of a repair, and go on with it."""
    await async_setup_component(hass, "repairs", {})
    await settle(hass)
    client = await hass_client()

    async def call(path: str = "", **data: Any) -> dict[str, Any]:
        answer = await client.post(f"/api/repairs/issues/fix{path}", json=data)
        assert answer.status == HTTPStatus.OK
        await settle(hass)
        return await answer.json()

    return call


async def ask(call: Call, entry: MockConfigEntry, key: str) -> dict[str, Any]:
    """Open the repair of an entry."""
    return await call(handler=DOMAIN, issue_id=f"{key}_{entry.entry_id}")


def moved(registry: ir.IssueRegistry) -> ir.IssueEntry:
    """Return the only issue that there is."""
    (issue,) = [one for one in registry.issues.values() if one.active]
    return issue


async def set_up(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator, **data: Any
) -> None:
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, **typed(plex, **data)}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)


async def test_confirmed(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    gdm: GdmResponder,
    tick: Tick,
    call: Call,
    issue_registry: ir.IssueRegistry,
) -> None:
    hass.config_entries.async_update_entry(loaded, title="My [Server](x)")
    old = plex.url
    await move(plex)
    gdm.servers = [GdmServer.of(plex)]
    plex.requests.clear()
    await tick(60)
    issue = moved(issue_registry)
    assert issue.translation_key == "new_address"
    assert issue.is_fixable
    assert issue.translation_placeholders == {
        "name": "My [Server](x)",
        "server": r"My \[Server\]\(x\)",
        "old": escaped(old),
        "new": escaped(plex.url),
    }
    form = await ask(call, loaded, "new_address")
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == issue.translation_placeholders
    assert {request.token for request in plex.requests} == {None}
    assert loaded.data == stored(plex, url=old)

    result = await call(f"/{form['flow_id']}")
    assert result["type"] == "create_entry"
    assert loaded.data == stored(plex)
    assert loaded.state is ConfigEntryState.LOADED
    assert not issue_registry.issues


def escaped(url: str) -> str:
    """Return an address as it is escaped in Markdown."""
    return "".join(c if c.isalnum() else f"\\{c}" for c in url)


@pytest.mark.usefixtures("trusted")
async def test_a_renewed_certificate(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    call: Call,
    direct_tls: SSLContext,
    renewed_tls: SSLContext,
) -> None:
    await restart(plex, direct_tls)
    await set_up(hass, entry, plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    await restart(plex, renewed_tls)
    await tick(60)
    form = await ask(call, entry, "new_address")
    await call(f"/{form['flow_id']}")
    assert entry.data == stored(
        plex, url=direct_url(plex, RENEWED_HASH), direct_hash=RENEWED_HASH
    )
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_another_certificate_that_is_not_verified(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    gdm: GdmResponder,
    tick: Tick,
    call: Call,
    self_signed: SSLContext,
    direct_tls: SSLContext,
    *,
    elsewhere: bool,
) -> None:
    """At the same address, or at another one."""
    await restart(plex, self_signed)
    await set_up(hass, entry, plex, verify_ssl=False)
    assert entry.data["fingerprint"] == await fingerprint(plex)
    if elsewhere:
        await move(plex)
        gdm.servers = [GdmServer.of(plex, DIRECT_HASH)]
    else:
        await restart(plex, direct_tls)
    plex.requests.clear()
    await tick(60)
    assert {request.token for request in plex.requests} == {None}
    key = "new_address" if elsewhere else "new_certificate"
    form = await ask(call, entry, key)
    await call(f"/{form['flow_id']}")
    assert entry.data == stored(
        plex,
        url=direct_url(plex) if elsewhere else plex.url,
        verify_ssl=False,
        fingerprint=await fingerprint(plex),
    )
    assert entry.state is ConfigEntryState.LOADED


async def test_a_verified_server_that_answers_without_encryption_now(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    gdm: GdmResponder,
    tick: Tick,
    call: Call,
    trusted: None,
    direct_tls: SSLContext,
) -> None:
    await restart(plex, direct_tls)
    await set_up(hass, entry, plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    await restart(plex, None)
    gdm.servers = [GdmServer.of(plex)]
    plex.requests.clear()
    await tick(60)
    assert {request.token for request in plex.requests} == {None}
    form = await ask(call, entry, "new_address")
    await call(f"/{form['flow_id']}")
    assert entry.data == stored(plex)


@pytest.mark.parametrize("back", [False, True])
async def test_confirmed_too_late(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    gdm: GdmResponder,
    tick: Tick,
    call: Call,
    *,
    back: bool,
) -> None:
    """The server is back, or was found at another address, while the dialog is open."""
    was = dict(loaded.data)
    await plex.stop()
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        await tick(60)
        form = await ask(call, loaded, "new_address")
        if back:
            await plex.start()
            await tick(60)
        else:
            await move(impostor)
            gdm.servers = [GdmServer.of(impostor)]
            await tick(300)
        result = await call(f"/{form['flow_id']}")
        assert result["type"] == "abort"
        assert result["reason"] == "outdated"
        assert loaded.data == was
        assert {request.token for request in impostor.requests} == {None}


async def test_ignored(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    gdm: GdmResponder,
    tick: Tick,
    issue_registry: ir.IssueRegistry,
) -> None:
    """It stays so, until the server is found at another address."""
    was = dict(loaded.data)
    await plex.stop()
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        await tick(60)
        issue_id = moved(issue_registry).issue_id
        ir.async_ignore_issue(hass, DOMAIN, issue_id, ignore=True)
        await tick(300)
        assert moved(issue_registry).dismissed_version
        assert loaded.data == was

        await move(impostor)
        gdm.servers = [GdmServer.of(impostor)]
        await tick(300)
        assert not moved(issue_registry).dismissed_version
        assert {request.token for request in impostor.requests} == {None}


async def test_back_before_the_search_ends(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    gdm: GdmResponder,
    tick: Tick,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The address at which a server is found is its own."""
    plex.websocket_refusal = 401  # Only polls and searches send requests.
    await set_up(hass, entry, plex)
    gdm.servers = [GdmServer.of(plex)]
    # Three to the poll, which aiohttp and then this client send again on a new
    # connection, and one to the search.
    plex.inject(Fault.DROP, "/identity", times=4)
    plex.requests.clear()
    await tick(60)
    assert [request.raw_path for request in plex.requests] == ["/identity"] * 5
    assert not issue_registry.issues
