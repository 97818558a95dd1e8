"""A server refuses its token: plex.tv is asked for another one, then the user."""

import asyncio
from collections.abc import Awaitable, Callable
from logging import WARNING

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.authentication import async_renew_token
from custom_components.plex_butler.const import CONF_ACCOUNT_TOKEN, DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from .common import (
    BACKUP,
    WEBSOCKET,
    PlexTv,
    Tick,
    disable,
    move_window,
    press,
    reads,
    settle,
    states,
)
from .simulator import AccountServer, Fault, PlexSimulator


@pytest.fixture
def reauth(hass: HomeAssistant) -> Callable[[], int]:
    """How often the user is asked to sign in again."""

    def reauth() -> int:
        flows = hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_REAUTH}
        )
        return len(flows)

    return reauth


type Reauth = Callable[[], int]


@pytest.fixture
async def signed_in(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator, plex_tv: PlexTv
) -> MockConfigEntry:
    """The server's config entry, with the token of the account, set up."""
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    data = {**entry.data, CONF_ACCOUNT_TOKEN: plex_tv.simulator.account_token}
    hass.config_entries.async_update_entry(entry, data=data)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has logged that users look at."""
    return [
        record.message
        for record in caplog.records
        if record.name.startswith("custom_components") and record.levelno >= WARNING
    ]


async def poll(hass: HomeAssistant, entry: MockConfigEntry, tick: Tick) -> None:
    await tick(60)


async def start(hass: HomeAssistant, entry: MockConfigEntry, tick: Tick) -> None:
    await press(hass, "backup_database_start")


async def stop_all(hass: HomeAssistant, entry: MockConfigEntry, tick: Tick) -> None:
    await press(hass, "stop_all_tasks", of="media_server_")


async def change(hass: HomeAssistant, entry: MockConfigEntry, tick: Tick) -> None:
    await move_window(hass, entry, start=1, end=2)


async def reload(hass: HomeAssistant, entry: MockConfigEntry, tick: Tick) -> None:
    await hass.config_entries.async_reload(entry.entry_id)


type Request = Callable[[HomeAssistant, MockConfigEntry, Tick], Awaitable[None]]


@pytest.mark.parametrize("request_", [poll, start, stop_all, change, reload])
@pytest.mark.usefixtures("no_pause")
async def test_a_new_token_of_plex_tv(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    tick: Tick,
    reauth: Reauth,
    caplog: pytest.LogCaptureFixture,
    request_: Request,
) -> None:
    """Nobody notices anything."""
    plex.token = "renewed"
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    caplog.clear()
    await request_(hass, signed_in, tick)
    assert states(hass, BACKUP) in (["idle"], ["running"])
    assert signed_in.data["token"] == "renewed"
    assert signed_in.state is ConfigEntryState.LOADED
    assert reauth() == 0
    assert complaints(caplog) == []
    (request,) = plex_tv.simulator.requests
    assert request.token == plex_tv.simulator.account_token

    await settle(hass)
    plex.requests.clear()
    await tick(60)
    assert {request.token for request in reads(plex)} == {"renewed"}


async def test_two_requests_ask_plex_tv_once(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
) -> None:
    plex.token = "renewed"
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    server = "media_server_"
    await hass.services.async_call(
        "button",
        "press",
        {
            "entity_id": [
                f"button.{server}stop_all_tasks",
                f"button.{server}start_all_tasks",
            ]
        },
        blocking=True,
    )
    assert len(plex_tv.simulator.requests) == 1
    assert signed_in.data["token"] == "renewed"


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.UNPROCESSABLE])
async def test_plex_tv_refuses_the_account(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    tick: Tick,
    reauth: Reauth,
    fault: Fault,
) -> None:
    plex_tv.simulator.inject(fault)
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    assert reauth() == 1


@pytest.mark.parametrize("fault", [None, Fault.BAD_GATEWAY])
async def test_plex_tv_has_no_other_token(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    tick: Tick,
    reauth: Reauth,
    fault: Fault | None,
) -> None:
    """It is asked again after five minutes. Signing in would not help."""
    if fault:
        plex_tv.simulator.inject(fault)
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    await tick(60)
    assert states(hass, BACKUP) == [STATE_UNAVAILABLE]
    assert len(plex_tv.simulator.requests) == 1
    await tick(300)
    assert len(plex_tv.simulator.requests) == 2
    assert reauth() == 0

    plex.clear_faults()
    await tick(300)
    assert states(hass, BACKUP) == ["idle"]


async def test_plex_tv_does_not_list_the_server(
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    tick: Tick,
    reauth: Reauth,
    issue_registry: ir.IssueRegistry,
) -> None:
    plex_tv.simulator.servers = [AccountServer.of(plex, owned=False)]
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    assert issue_registry.async_get_issue(DOMAIN, f"not_owner_{signed_in.entry_id}")
    assert reauth() == 0
    plex.clear_faults()
    await tick(60)
    assert not issue_registry.issues


@pytest.mark.parametrize("path", ["/activities", "/:/prefs", "/", WEBSOCKET])
async def test_refused_side_answers(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    tick: Tick,
    path: str,
) -> None:
    """Only requests about the tasks are about the token."""
    plex.inject(Fault.UNAUTHORIZED, path)
    await hass.config_entries.async_reload(signed_in.entry_id)
    await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    assert plex_tv.simulator.requests == []


async def test_without_an_account(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    tick: Tick,
    reauth: Reauth,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The second refusal counts. Polls go on, as the token may be valid again."""
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    assert reauth() == 0
    assert complaints(caplog) == []
    await tick(60)
    assert states(hass, BACKUP) == [STATE_UNAVAILABLE]
    assert reauth() == 1

    plex.requests.clear()
    await tick(290)
    assert reads(plex) == []
    plex.clear_faults()
    await tick(11)
    assert states(hass, BACKUP) == ["idle"]
    assert reauth() == 0

    # The next refusal is a first one again.
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    assert reauth() == 0


async def test_a_refusal_that_passes(
    hass: HomeAssistant,
    plex: PlexSimulator,
    live: MockConfigEntry,
    tick: Tick,
    reauth: Reauth,
) -> None:
    """After one, the server is polled in a minute, also with a stream."""
    plex.inject(Fault.UNAUTHORIZED, "/butler", times=1)
    await tick(300)
    assert states(hass, BACKUP) == ["idle"]
    disable(plex, "BackupDatabase")
    await tick(61)
    assert states(hass, BACKUP) == ["disabled"]
    assert reauth() == 0


async def test_refusals_that_come_and_go(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    tick: Tick,
) -> None:
    """The account is not asked about each of them."""
    for _ in range(2):
        plex.inject(Fault.UNAUTHORIZED, "/butler", times=1)
        await tick(60)
        await tick(60)
        assert states(hass, BACKUP) == ["idle"]
    assert len(plex_tv.simulator.requests) == 1


async def read(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    """Let a request between two polls succeed."""
    plex.clear_faults()
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": entry.entry_id},
        blocking=True,
        return_response=True,
    )


async def go_away(hass: HomeAssistant, plex: PlexSimulator, tick: Tick) -> None:
    """Restart the server."""
    plex.clear_faults()
    await plex.stop()
    await tick(60)
    await plex.start()


@pytest.mark.parametrize("between", [read, go_away])
async def test_refusals_that_do_not_follow_each_other(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    tick: Tick,
    reauth: Reauth,
    between: Callable[[HomeAssistant, PlexSimulator, Tick], Awaitable[None]],
) -> None:
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    await between(hass, plex, tick)
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    assert reauth() == 0
    await tick(60)
    assert reauth() == 1


async def test_refused_actions(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    tick: Tick,
    reauth: Reauth,
) -> None:
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    for seconds, flows in ((30, 0), (29, 0), (0, 1)):
        with pytest.raises(HomeAssistantError) as raised:
            await hass.services.async_call(
                DOMAIN,
                "stop_all_tasks",
                {"config_entry_id": loaded.entry_id},
                blocking=True,
            )
        assert raised.value.translation_key == "invalid_auth"
        await settle(hass)
        assert reauth() == flows
        await tick(seconds)


async def test_refused_at_setup(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    reauth: Reauth,
) -> None:
    """Home Assistant tries again on its own, also after the user was asked."""
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await hass.config_entries.async_setup(entry.entry_id)
    for seconds in (6, 11, 21):
        await tick(seconds)
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert reauth() == 0
    await tick(41)
    assert reauth() == 1
    plex.clear_faults()
    await tick(81)
    assert entry.state is ConfigEntryState.LOADED
    assert reauth() == 0


async def test_a_refusal_before_the_entry_was_unloaded(
    hass: HomeAssistant,
    plex: PlexSimulator,
    loaded: MockConfigEntry,
    tick: Tick,
    reauth: Reauth,
) -> None:
    plex.inject(Fault.UNAUTHORIZED, "/butler")
    await tick(60)
    await hass.config_entries.async_unload(loaded.entry_id)
    await tick(600)
    await hass.config_entries.async_setup(loaded.entry_id)
    assert reauth() == 0


@pytest.mark.parametrize("change", ["", "d"], ids=["accepted", "refused"])
async def test_server_that_is_removed_while_plex_tv_is_asked(
    hass: HomeAssistant,
    plex: PlexSimulator,
    signed_in: MockConfigEntry,
    plex_tv: PlexTv,
    reauth: Reauth,
    change: str,
) -> None:
    plex.token = "renewed"
    plex_tv.simulator.servers = [AccountServer.of(plex)]
    plex_tv.simulator.inject(Fault.SLOW)
    renewed = asyncio.create_task(async_renew_token(hass, signed_in))
    await settle(hass)
    await hass.config_entries.async_remove(signed_in.entry_id)
    plex_tv.simulator.account_token += change
    plex_tv.simulator.clear_faults()
    assert await renewed is None
    assert reauth() == 0
