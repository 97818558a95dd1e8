"""A server that is lost is found again, or the user is told what to do."""

import asyncio
from collections.abc import Awaitable, Callable
import gc
from ssl import SSLContext
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import CONF_ACCOUNT_TOKEN, DOMAIN
from custom_components.plex_butler.plex import discovery
from homeassistant.config_entries import (
    ConfigEntries,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    DIRECT_HASH,
    OTHER_MACHINE,
    RENEWED_HASH,
    Hung,
    PlexTv,
    Tick,
    choose,
    direct_url,
    move,
    restart,
    settle,
    stored,
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

DAY = 24 * 60 * 60


@pytest.fixture
def issues(issue_registry: ir.IssueRegistry) -> Callable[[], list[str]]:
    """What the user is told to mend."""

    def issues() -> list[str]:
        return [
            issue.translation_key
            for issue in issue_registry.issues.values()
            if issue.domain == DOMAIN
        ]

    return issues


@pytest.fixture(params=["while it runs", "when Home Assistant starts"])
async def lost(
    request: pytest.FixtureRequest, hass: HomeAssistant, tick: Tick
) -> Callable[[MockConfigEntry], Awaitable[None]]:
    """Lose a server, and let Home Assistant take note of it in one of two ways."""

    async def poll(entry: MockConfigEntry) -> None:
        assert entry.state is ConfigEntryState.LOADED
        await tick(60)

    async def begin(entry: MockConfigEntry) -> None:
        await hass.config_entries.async_reload(entry.entry_id)
        await settle(hass)

    return {"while it runs": poll, "when Home Assistant starts": begin}[request.param]


type Lost = Callable[[MockConfigEntry], Awaitable[None]]


type Issues = Callable[[], list[str]]


async def use(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator, **changes: Any
) -> None:
    """Set a server up with other data."""
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, **typed(plex, **changes)}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)


@pytest.mark.usefixtures("trusted")
async def test_on_the_network(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    direct_tls: SSLContext,
    lost: Lost,
    issues: Issues,
) -> None:
    await restart(plex, direct_tls)
    await use(hass, entry, plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    await move(plex)
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as other:
        gdm.servers = [GdmServer.of(other), GdmServer.of(plex, DIRECT_HASH)]
        await lost(entry)
        assert other.requests == []
    assert entry.data == stored(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get(BACKUP).state == "idle"
    assert issues() == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("direct_hash", [None, RENEWED_HASH])
async def test_only_the_address_of_a_reply_counts(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    direct_tls: SSLContext,
    lost: Lost,
    issues: Issues,
    direct_hash: str | None,
) -> None:
    """The hash is known. An impostor that replies first does not hide the server."""
    await restart(plex, direct_tls)
    await use(hass, entry, plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    await move(plex)
    machine = plex.machine_identifier
    async with PlexSimulator(machine_identifier=machine) as impostor:
        gdm.servers = [GdmServer.of(impostor), GdmServer.of(plex, direct_hash)]
        await lost(entry)
        assert {request.token for request in impostor.requests} <= {None}
    assert entry.data == stored(plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    assert entry.state is ConfigEntryState.LOADED
    assert issues() == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "before", [{}, {"verify_ssl": False, "fingerprint": "00" * 32}]
)
async def test_at_plex_tv(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    gdm: GdmResponder,
    direct_tls: SSLContext,
    lost: Lost,
    before: dict[str, Any],
) -> None:
    """Who replies to a search is not even asked who it is."""
    account = {CONF_ACCOUNT_TOKEN: plex_tv.simulator.account_token}
    await use(hass, entry, plex, **account, **before)
    await move(plex)
    await restart(plex, direct_tls)
    listed = AccountConnection.of(plex, direct_hash=DIRECT_HASH)
    plex_tv.simulator.servers = [AccountServer.of(plex, connections=[listed])]
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as impostor:
        gdm.servers = [GdmServer.of(impostor)]
        await lost(entry)
        assert impostor.requests == []
    assert entry.data == stored(
        plex, url=direct_url(plex), direct_hash=DIRECT_HASH, **account
    )
    assert entry.state is ConfigEntryState.LOADED
    (request,) = plex_tv.simulator.requests
    assert request.token == plex_tv.simulator.account_token


async def test_not_at_plex_tv(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    gdm: GdmResponder,
    lost: Lost,
    issues: Issues,
) -> None:
    """A server that is not listed there, or only shared with the account, stays lost."""
    account = {CONF_ACCOUNT_TOKEN: plex_tv.simulator.account_token}
    await use(hass, entry, plex, **account)
    was = dict(entry.data)
    await move(plex)
    plex_tv.simulator.servers = [AccountServer.of(plex, owned=False)]
    gdm.servers = [GdmServer.of(plex)]
    plex.requests.clear()
    await lost(entry)
    assert plex_tv.simulator.requests
    assert plex.requests == []
    assert entry.data == was
    assert issues() == []


async def test_plex_tv_is_not_asked_with_the_token_of_the_server(
    loaded: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv, lost: Lost
) -> None:
    await plex.stop()
    await lost(loaded)
    assert plex_tv.simulator.requests == []


async def test_plex_tv_knows_nothing(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    plex_tv: PlexTv,
    tick: Tick,
) -> None:
    account = {CONF_ACCOUNT_TOKEN: "revoked"}
    await use(hass, entry, plex, **account)
    await plex.stop()
    await tick(60)
    assert len(plex_tv.simulator.requests) == 1
    assert entry.data == stored(plex, **account)


@pytest.mark.usefixtures("trusted")
async def test_a_renewed_certificate(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    renewed_tls: SSLContext,
    lost: Lost,
    issues: Issues,
) -> None:
    """It tells for which name it is valid."""
    await restart(plex, direct_tls)
    await use(hass, entry, plex, url=direct_url(plex), direct_hash=DIRECT_HASH)
    await restart(plex, renewed_tls)
    await lost(entry)
    assert issues() == ["new_address"]


@pytest.mark.usefixtures("trusted")
async def test_secure_connections_are_required_now(
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    lost: Lost,
    issues: Issues,
) -> None:
    await restart(plex, direct_tls)
    await lost(loaded)
    assert issues() == ["new_address"]


async def test_a_search_is_not_repeated_at_every_poll(
    loaded: MockConfigEntry, plex: PlexSimulator, gdm: GdmResponder, tick: Tick
) -> None:
    await plex.stop()
    for searches in (2, 2, 2, 2, 2, 4):  # each goes out twice
        await tick(60)
        assert gdm.searches == searches


@pytest.mark.parametrize(
    "fault",
    [
        Fault.UNAUTHORIZED,
        Fault.FORBIDDEN,
        Fault.MAINTENANCE,
        Fault.RATE_LIMITED_BARE,
        Fault.BAD_GATEWAY,
    ],
)
async def test_who_answers_is_not_searched(
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    tick: Tick,
    fault: Fault,
) -> None:
    plex.inject(fault, "/butler")
    for _ in range(5):
        await tick(60)
    assert gdm.searches == 0


async def test_who_is_still_there_is_not_reloaded(
    loaded: MockConfigEntry, plex: PlexSimulator, gdm: GdmResponder, tick: Tick
) -> None:
    """It answers, but not as it should."""
    gdm.servers = [GdmServer.of(plex)]
    plex.inject(Fault.HTML, "/butler")
    await tick(60)
    assert gdm.searches
    assert loaded.state is ConfigEntryState.LOADED


async def test_no_other_address_to_try(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Then only the poll, the stream and the check before a search ask who answers."""
    plex.machine_identifier = OTHER_MACHINE
    plex.requests.clear()
    await tick(60)
    assert [request.raw_path for request in plex.requests] == ["/identity"] * 3


async def test_who_is_slow_at_start_is_not_searched(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    hung: Hung,
) -> None:
    plex.inject(Fault.SLOW)
    await hung(hass.config_entries.async_setup(entry.entry_id))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert gdm.searches == 0


async def test_another_server_has_taken_the_address(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    tick: Tick,
    issues: Issues,
) -> None:
    """It refuses the token, which is no reason to ask for another."""
    async with PlexSimulator(machine_identifier=plex.machine_identifier) as moved:
        plex.machine_identifier, plex.token = OTHER_MACHINE, "of another owner"
        gdm.servers = [GdmServer.of(moved)]
        await tick(60)
        assert issues() == ["new_address"]
        assert hass.config_entries.flow.async_progress() == []


async def test_another_server_is_there_instead(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    lost: Lost,
    issues: Issues,
    issue_registry: ir.IssueRegistry,
) -> None:
    plex.name = "Nobody's"
    hass.config_entries.async_update_entry(loaded, title="My [Server](x)")
    right, plex.machine_identifier = plex.machine_identifier, OTHER_MACHINE
    plex.token = "of another owner"
    await lost(loaded)
    assert issues() == ["moved"]
    issue = issue_registry.async_get_issue(DOMAIN, f"moved_{loaded.entry_id}")
    assert issue.severity is ir.IssueSeverity.ERROR
    assert not issue.is_fixable
    assert issue.translation_placeholders == {
        "server": r"My \[Server\]\(x\)",
        "address": r"127\.0\.0\.1",
    }

    # The user gives the server its new address.
    plex.machine_identifier, plex.token = right, loaded.data["token"]
    await move(plex)
    result = await choose(hass, await loaded.start_reconfigure_flow(hass), "manual")
    await submit(hass, result, url=plex.url, verify_ssl=True)
    assert loaded.state is ConfigEntryState.LOADED
    assert issues() == []


async def test_a_server_that_an_action_finds_back(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    issues: Issues,
) -> None:
    """Also if the user has switched polls off."""
    right, plex.machine_identifier = plex.machine_identifier, OTHER_MACHINE
    await tick(60)
    assert issues() == ["moved"]
    plex.machine_identifier = right
    await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": loaded.entry_id},
        blocking=True,
        return_response=True,
    )
    assert issues() == []


async def test_another_server_is_there_after_an_outage(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick, issues: Issues
) -> None:
    """The user need not wait for the next search."""
    await plex.stop()
    await tick(60)
    plex.machine_identifier = OTHER_MACHINE
    await plex.start()
    assert issues() == []
    await tick(60)
    assert issues() == ["moved"]


async def test_a_silent_server(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick, issues: Issues
) -> None:
    """It may sleep, but not for a whole day."""
    await plex.stop()
    await tick(60)
    await tick(DAY - 1)
    assert issues() == []
    await tick(300)
    assert issues() == ["moved"]

    await plex.start()
    await tick(60)
    assert issues() == []


async def test_a_server_that_sleeps_again_and_again(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick, issues: Issues
) -> None:
    for _ in range(2):
        await plex.stop()
        await tick(60)
        await tick(DAY - 600)
        assert issues() == []
        await plex.start()
        await tick(300)


async def test_a_silent_server_at_start(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    issues: Issues,
) -> None:
    """The day goes on while Home Assistant tries to set the server up."""
    await plex.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await tick(DAY - 1)
    assert issues() == []
    await tick(600)
    assert issues() == ["moved"]

    await plex.start()
    await tick(1200)
    assert entry.state is ConfigEntryState.LOADED
    assert issues() == []


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_helps_nobody(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    direct_tls: SSLContext,
    self_signed: SSLContext,
    lost: Lost,
    issues: Issues,
) -> None:
    await restart(plex, direct_tls)
    await use(hass, entry, plex, url=direct_url(plex))
    await restart(plex, self_signed)
    await lost(entry)
    assert issues() == ["certificate"]

    result = await choose(hass, await entry.start_reconfigure_flow(hass), "manual")
    await submit(hass, result, url=plex.url, verify_ssl=False)
    assert entry.state is ConfigEntryState.LOADED
    assert issues() == []


async def test_an_account_that_no_longer_owns_the_server(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    lost: Lost,
    issues: Issues,
) -> None:
    token, plex.shared_token = plex.token, plex.token
    plex.token = "of the new owner"
    await lost(loaded)
    assert issues() == ["not_owner"]
    assert hass.config_entries.flow.async_progress() == []

    plex.token = token
    await hass.config_entries.async_reload(loaded.entry_id)
    assert issues() == []


async def test_ownership_that_comes_back(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick, issues: Issues
) -> None:
    plex.inject(Fault.FORBIDDEN, "/butler")
    await tick(60)
    assert issues() == ["not_owner"]
    plex.clear_faults()
    await tick(60)
    assert issues() == []


async def test_issues_of_each_server(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    issues: Issues,
) -> None:
    """One that is well takes nothing back of another."""
    async with PlexSimulator(machine_identifier=OTHER_MACHINE, name="Cellar") as other:
        other.websocket_refusal = 404
        second = MockConfigEntry(
            domain=DOMAIN, unique_id=OTHER_MACHINE, data=typed(other)
        )
        second.add_to_hass(hass)
        await hass.config_entries.async_setup(second.entry_id)
        plex.inject(Fault.FORBIDDEN, "/butler")
        await tick(60)
        await tick(60)
        assert issues() == ["not_owner"]


@pytest.mark.parametrize(
    "leave", [ConfigEntries.async_remove, ConfigEntries.async_unload]
)
async def test_a_server_that_is_removed_or_disabled(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    issues: Issues,
    leave: Callable[[ConfigEntries, str], Awaitable[object]],
) -> None:
    plex.inject(Fault.FORBIDDEN, "/butler")
    await tick(60)
    assert issues() == ["not_owner"]
    await leave(hass.config_entries, loaded.entry_id)
    assert issues() == []


async def test_a_server_that_never_loaded_is_removed(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator, issues: Issues
) -> None:
    plex.inject(Fault.FORBIDDEN, "/butler")
    await hass.config_entries.async_setup(entry.entry_id)
    assert issues() == ["not_owner"]
    await hass.config_entries.async_remove(entry.entry_id)
    assert issues() == []


async def test_a_server_that_never_loaded_is_disabled(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator, issues: Issues
) -> None:
    """Home Assistant unloads only what is loaded."""
    plex.inject(Fault.FORBIDDEN, "/butler")
    await hass.config_entries.async_setup(entry.entry_id)
    assert issues() == ["not_owner"]
    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    assert issues() == []


async def test_searches_while_setup_is_retried(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    tick: Tick,
) -> None:
    """There is one in five minutes, however often Home Assistant retries."""
    await plex.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    for seconds in (5, 10, 20, 40, 80, 80):
        await tick(seconds)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert gdm.searches == 2  # each is sent twice
    await tick(160)
    assert gdm.searches == 4


async def test_setup_does_not_wait_for_a_search(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search never ends here."""
    clock = SimpleNamespace(
        sleep=lambda _: asyncio.Event().wait(),
        get_running_loop=asyncio.get_running_loop,
    )
    monkeypatch.setattr(discovery, "asyncio", clock)
    await plex.stop()
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await gdm.wait_for_search()
    await hass.config_entries.async_remove(entry.entry_id)


async def test_searches_for_a_server_that_comes_and_goes(
    loaded: MockConfigEntry, plex: PlexSimulator, gdm: GdmResponder, tick: Tick
) -> None:
    """One in five minutes, whatever there was in between."""
    for searches in (2, 2, 2, 4):  # each goes out twice
        await plex.stop()
        await tick(60)
        assert gdm.searches == searches
        await plex.start()
        await tick(60)
    await plex.stop()


async def test_a_server_that_is_back_before_the_search_ends(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    tick: Tick,
    issues: Issues,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is left to search for, and nothing to tell the user."""
    go_on = asyncio.Event()
    clock = SimpleNamespace(
        sleep=lambda _: go_on.wait(), get_running_loop=asyncio.get_running_loop
    )
    monkeypatch.setattr(discovery, "asyncio", clock)
    right, plex.machine_identifier = plex.machine_identifier, OTHER_MACHINE
    await tick(60)
    await gdm.wait_for_search()
    plex.machine_identifier = right
    await tick(60)
    go_on.set()
    await settle(hass)
    assert hass.states.get(BACKUP).state == "idle"
    assert issues() == []


async def test_nothing_of_a_search_that_was_stopped_is_kept(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    tick: Tick,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task that was cancelled keeps an error, and so a coordinator, in memory."""
    clock = SimpleNamespace(
        sleep=lambda _: asyncio.Event().wait(),
        get_running_loop=asyncio.get_running_loop,
    )
    monkeypatch.setattr(discovery, "asyncio", clock)
    of_other_tests = searches()
    await plex.stop()
    await tick(60)
    await gdm.wait_for_search()
    await plex.start()
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    assert [task for task in searches() if task not in of_other_tests] == []


def searches() -> list[asyncio.Task[Any]]:
    """Return the searches that are in memory."""
    gc.collect()
    tasks = [one for one in gc.get_objects() if isinstance(one, asyncio.Task)]
    return [task for task in tasks if task.get_name() == "Media Server - search"]


async def test_a_server_that_is_removed_while_it_is_asked(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    gdm: GdmResponder,
    issues: Issues,
) -> None:
    await async_setup_component(hass, "homeassistant", {})
    plex.inject(Fault.SLOW, "/identity")
    update = asyncio.create_task(
        hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
        )
    )
    await settle(hass)
    await hass.config_entries.async_remove(loaded.entry_id)
    plex.machine_identifier = OTHER_MACHINE
    plex.clear_faults()
    await update
    await settle(hass)
    assert gdm.searches == 0
    assert issues() == []
