"""An impostor on the network copies the machineIdentifier, which is no secret.

Every test looks at what the impostor receives: never a token, unless it has taken the
address of a server that uses http.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import CONF_ACCOUNT_TOKEN, DOMAIN
from homeassistant.config_entries import SOURCE_ZEROCONF
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .common import (
    DIRECT_HASH,
    OTHER_MACHINE,
    RENEWED_HASH,
    Hung,
    PlexTv,
    Tick,
    choose,
    direct_url,
    make_entry,
    restart,
    settle,
    start_flow,
    submit,
    typed,
)
from .simulator import (
    AccountConnection,
    AccountServer,
    Fault,
    GdmResponder,
    GdmServer,
    PlexSimulator,
)

SERVICE = "_plexmediasvr._tcp.local."


@dataclass
class Scene:
    """A server that is set up, and what an impostor has."""

    hass: HomeAssistant
    entry: MockConfigEntry
    plex: PlexSimulator
    gdm: GdmResponder
    tick: Tick
    impostor_tls: SSLContext | None

    @asynccontextmanager
    async def impostor(self, port: int = 0) -> AsyncIterator[PlexSimulator]:
        """Start the impostor, which replies to every search."""
        impostor = PlexSimulator(
            port=port, machine_identifier=self.plex.machine_identifier
        )
        impostor.token = None  # It takes any.
        impostor.ssl_context = self.impostor_tls
        async with impostor:
            direct_hash = RENEWED_HASH if self.impostor_tls else None
            self.gdm.servers = [GdmServer.of(impostor, direct_hash)]
            yield impostor


@pytest.fixture(params=["http", "https", "not verified"])
async def scene(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    plex: PlexSimulator,
    gdm: GdmResponder,
    tick: Tick,
    trusted: None,
    direct_tls: SSLContext,
    renewed_tls: SSLContext,
    self_signed: SSLContext,
) -> Scene:
    """A server at http, at verified https, and at https that is not verified."""
    changes: dict[str, Any] = {}
    tls = {"https": direct_tls, "not verified": self_signed}.get(request.param)
    await restart(plex, tls)
    entry = make_entry(plex)
    if request.param == "https":
        changes = {"url": direct_url(plex), "direct_hash": DIRECT_HASH}
    elif request.param == "not verified":
        changes = {"verify_ssl": False}
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, **changes})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return Scene(hass, entry, plex, gdm, tick, renewed_tls if tls else None)


def tokens(server: PlexSimulator) -> set[str | None]:
    """Return the tokens that a server received; None is a request without one."""
    return {request.token for request in server.requests}


def asked(scene: Scene) -> bool:
    """Return whether the user is asked about the address."""
    issue_id = f"new_address_{scene.entry.entry_id}"
    return bool(ir.async_get(scene.hass).async_get_issue(DOMAIN, issue_id))


async def search(scene: Scene, impostor: PlexSimulator) -> None:
    """Notice that the server is lost."""
    await scene.tick(60)


async def start(scene: Scene, impostor: PlexSimulator) -> None:
    """Start Home Assistant while the server is lost."""
    await scene.hass.config_entries.async_reload(scene.entry.entry_id)
    await settle(scene.hass)


async def announce(scene: Scene, impostor: PlexSimulator) -> None:
    """Let the impostor announce itself."""
    address = ip_address("127.0.0.1")
    await scene.hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_ZEROCONF},
        data=ZeroconfServiceInfo(
            ip_address=address,
            ip_addresses=[address],
            hostname="impostor.local.",
            name=f"Media Server.{SERVICE}",
            port=impostor.port,
            properties={},
            type=SERVICE,
        ),
    )
    await settle(scene.hass)


async def dialog(scene: Scene, impostor: PlexSimulator) -> None:
    """Search the network in the dialog."""
    await choose(scene.hass, await start_flow(scene.hass), "network")
    await settle(scene.hass)


type Way = Callable[[Scene, PlexSimulator], Awaitable[None]]


@pytest.mark.parametrize("way", [search, start, announce, dialog])
async def test_lost_server(scene: Scene, way: Way) -> None:
    was = dict(scene.entry.data)
    await scene.plex.stop()
    async with scene.impostor() as impostor:
        await way(scene, impostor)
        for _ in range(3):
            await scene.tick(300)
        assert tokens(impostor) == {None}
        assert {r.raw_path for r in impostor.requests} == {"/identity"}
    assert scene.entry.data == was
    assert asked(scene)


@pytest.mark.parametrize("way", [search, start, dialog])
async def test_impostor_that_claims_the_hash_of_the_server(
    scene: Scene, way: Way
) -> None:
    """A reply to a search gives an address, and no hash that is believed."""
    was = dict(scene.entry.data)
    await scene.plex.stop()
    async with scene.impostor() as impostor:
        scene.gdm.servers = [GdmServer.of(impostor, DIRECT_HASH)]
        await way(scene, impostor)
        await scene.tick(300)
        assert tokens(impostor) <= {None}
    assert scene.entry.data == was
    # The name with this hash is one that the certificate is not valid for.
    assert asked(scene) == (not scene.entry.data.get("direct_hash"))


@pytest.mark.parametrize("way", [announce, dialog])
async def test_slow_server(scene: Scene, hung: Hung, way: Way) -> None:
    was = dict(scene.entry.data)
    scene.plex.inject(Fault.SLOW)
    async with scene.impostor() as impostor:
        await hung(way(scene, impostor))
        assert tokens(impostor) <= {None}
    assert scene.entry.data == was
    assert not asked(scene)


@pytest.mark.parametrize("way", [search, start, announce, dialog])
async def test_another_server_at_the_address(scene: Scene, way: Way) -> None:
    """Such as one that an impostor has put there, or the next owner of the address."""
    was = dict(scene.entry.data)
    scene.plex.machine_identifier, right = OTHER_MACHINE, scene.plex.machine_identifier
    scene.plex.requests.clear()
    async with scene.impostor() as impostor:
        impostor.machine_identifier = right
        scene.gdm.servers = [
            GdmServer.of(impostor, RENEWED_HASH if scene.impostor_tls else None)
        ]
        await way(scene, impostor)
        await scene.tick(300)
        assert tokens(impostor) == {None}
    assert tokens(scene.plex) == {None}
    assert scene.entry.data == was
    assert asked(scene)


@pytest.mark.parametrize("way", [search, start, announce, dialog])
async def test_impostor_at_the_old_address(scene: Scene, way: Way) -> None:
    """Only http cannot prevent that it gets the token."""
    was = dict(scene.entry.data)
    token = scene.plex.token
    await scene.plex.stop()
    async with scene.impostor(scene.plex.port) as impostor:
        await way(scene, impostor)
        await scene.tick(300)
        http = scene.impostor_tls is None
        assert tokens(impostor) == {None, token} if http else tokens(impostor) <= {None}
    assert scene.entry.data == was


@pytest.mark.parametrize("listed", [True, False])
async def test_account(scene: Scene, plex_tv: PlexTv, *, listed: bool) -> None:
    """plex.tv says where the server is, so nobody else is believed, or even asked."""
    account = {CONF_ACCOUNT_TOKEN: plex_tv.simulator.account_token}
    scene.hass.config_entries.async_update_entry(
        scene.entry, data={**scene.entry.data, **account}
    )
    was = dict(scene.entry.data)
    await scene.plex.stop()
    known = AccountServer.of(scene.plex, connections=[AccountConnection.dead()])
    plex_tv.simulator.servers = [known] if listed else []
    async with scene.impostor() as impostor:
        await scene.tick(60)
        await scene.tick(300)
        assert impostor.requests == []
    assert scene.entry.data == was
    assert not asked(scene)


async def test_sign_in(scene: Scene, plex_tv: PlexTv) -> None:
    """Signing in again leads to the addresses that plex.tv lists, and to no other."""
    await scene.plex.stop()
    known = AccountServer.of(scene.plex, connections=[AccountConnection.dead()])
    plex_tv.simulator.servers = [known]
    async with scene.impostor() as impostor:
        result = await scene.entry.start_reauth_flow(scene.hass)
        result = await choose(scene.hass, result, "plex_tv")
        result = await plex_tv.confirm(result)
        assert result["step_id"] == "address"
        assert tokens(impostor) <= {None}


async def test_sign_in_at_the_old_address(scene: Scene, plex_tv: PlexTv) -> None:
    """The new token does not go to an impostor there, except with consent to http."""
    # Polls would send the token to an address that uses http.
    await scene.hass.config_entries.async_unload(scene.entry.entry_id)
    await scene.plex.stop()
    known = AccountServer.of(scene.plex, connections=[AccountConnection.dead()])
    plex_tv.simulator.servers = [known]
    async with scene.impostor(scene.plex.port) as impostor:
        result = await scene.entry.start_reauth_flow(scene.hass)
        result = await choose(scene.hass, result, "plex_tv")
        impostor.requests.clear()
        result = await plex_tv.confirm(result)
        http = scene.impostor_tls is None
        assert result["step_id"] == ("unencrypted" if http else "address")
        assert tokens(impostor) <= {None}


async def test_a_new_server_in_the_dialog(
    hass: HomeAssistant, plex: PlexSimulator, gdm: GdmResponder
) -> None:
    """A typed token goes to the address that was typed with it."""
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        result = await choose(hass, await start_flow(hass), "network")
        result = await submit(hass, result, server=plex.machine_identifier)
        result = await choose(hass, result, "manual")
        await submit(hass, result, **typed(plex))
        assert tokens(impostor) == {None}
