"""What errors of a server become where that takes several, or TLS (see tests/faults)."""

import ssl
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .common import (
    BACKUP,
    OF_TASK,
    Tick,
    choose,
    reads,
    restart,
    start_flow,
    submit,
    typed,
)
from .simulator import Fault, PlexSimulator

START = f"button.{OF_TASK}backup_database_start"


def reauth_flows(hass: HomeAssistant) -> int:
    return len(
        hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_REAUTH}
        )
    )


async def test_setup_where_http_never_worked(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    """A server that requires secure connections refuses http like this."""
    plex.inject(Fault.DROP)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == "https_required"
    assert "address that starts with https://" in str(entry.reason)


@pytest.mark.parametrize(
    ("fault", "text", "polls"),
    [
        (Fault.UNAUTHORIZED, "Media Server does not accept the stored token", 2),
        (Fault.FORBIDDEN, "does not own Media Server", 1),
        (Fault.DROP, "Media Server cannot be reached (closed without an answer)", 1),
        (Fault.TRUNCATED, "Media Server cannot be reached", 1),
        (Fault.MAINTENANCE, "busy with its own maintenance (HTTP status 503)", 3),
        (Fault.HTML, "(not JSON)", 1),
        (Fault.NOT_FOUND, "(HTTP status 404)", 1),
        (Fault.SERVER_ERROR, "(HTTP status 500)", 3),
    ],
)
@pytest.mark.usefixtures("loaded")
async def test_poll(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    text: str,
    polls: int,
) -> None:
    """What is wrong is logged once, however long it lasts."""
    plex.inject(fault, "/butler")
    states = []
    for _ in range(polls):
        states.append(hass.states.get(BACKUP).state)
        await tick(60)

    assert states == ["idle"] * polls
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
    assert hass.states.get(START).state == STATE_UNAVAILABLE
    assert [text in record.message for record in caplog.records].count(True) == 1
    assert reauth_flows(hass) == (fault is Fault.UNAUTHORIZED)


@pytest.mark.usefixtures("loaded")
async def test_good_answer_between_slow_ones(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    for _ in range(3):
        plex.inject(Fault.MAINTENANCE, "/butler", times=2)
        for _ in range(3):
            await tick(60)
            assert hass.states.get(BACKUP).state == "idle"


async def test_good_answer_to_an_action_between_slow_ones(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    for _ in range(2):
        plex.inject(Fault.MAINTENANCE, "/butler", times=2)
        for _ in range(2):
            await tick(60)
        await hass.services.async_call(
            DOMAIN,
            "get_butler_tasks",
            {"config_entry_id": loaded.entry_id},
            blocking=True,
            return_response=True,
        )
    plex.inject(Fault.MAINTENANCE, "/butler", times=1)
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


@pytest.mark.usefixtures("loaded")
async def test_slow_answer_does_not_bring_back_what_was_lost(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.HTML, "/butler", times=1)
    await tick(60)
    plex.inject(Fault.MAINTENANCE, "/butler", times=1)
    await tick(60)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE


@pytest.mark.usefixtures("loaded")
async def test_poll_waits_as_long_as_asked(plex: PlexSimulator, tick: Tick) -> None:
    plex.inject(Fault.MAINTENANCE_RETRY_AFTER, "/butler")  # after 120 seconds
    await tick(60)
    plex.clear_faults()
    plex.requests.clear()

    await tick(110)
    assert reads(plex) == []
    await tick(11)
    assert len(reads(plex)) == 2  # the tasks and the activities
    await tick(60)
    assert len(reads(plex)) == 4  # and so on as ever


@pytest.mark.usefixtures("loaded")
async def test_lost_server_is_left_alone_as_long_as_it_asks(
    plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.MAINTENANCE_RETRY_AFTER)
    for _ in range(3):
        await tick(121)
    plex.requests.clear()
    await tick(110)
    assert reads(plex) == []


@pytest.mark.usefixtures("loaded")
async def test_one_bad_task_in_a_good_list(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plex.inject(Fault.BAD_TASK, "/butler")
    await tick(60)
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"
    assert caplog.text.count("Butler tasks could not be parsed") == 1


@pytest.fixture
async def tls(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    self_signed: ssl.SSLContext,
) -> MockConfigEntry:
    """The server's config entry, set up over TLS that is not verified."""
    await restart(plex, self_signed)
    data = {**entry.data, CONF_URL: plex.url, CONF_VERIFY_SSL: False}
    hass.config_entries.async_update_entry(entry, data=data)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def test_poll_tls(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tls: MockConfigEntry,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server that no longer speaks TLS is lost, and comes back."""
    context = plex.ssl_context
    await restart(plex, None)
    await tick(60)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
    assert "A secure connection to Media Server could not be made" in caplog.text

    await restart(plex, context)
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


async def manual(hass: HomeAssistant) -> Any:
    """Open the form for address and token."""
    return await choose(hass, await start_flow(hass), "manual")


async def test_flow_tls(hass: HomeAssistant, plex: PlexSimulator) -> None:
    form = await manual(hass)
    url = plex.url.replace("http:", "https:")
    result = await submit(hass, form, **typed(plex, url=url))
    assert result["errors"] == {CONF_URL: "ssl_error"}

    result = await submit(hass, form, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier
