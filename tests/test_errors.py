"""What bad news from Plex becomes: at setup, for polls, actions and the config flow."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
import ssl
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError

from .common import (
    BACKUP,
    OF_TASK,
    Hung,
    Tick,
    choose,
    reads,
    restart,
    settle,
    start_flow,
    submit,
    typed,
)
from .simulator import Fault, PlexSimulator

START = f"button.{OF_TASK}backup_database_start"


START_PATH = "/butler/BackupDatabase"


@dataclass(frozen=True)
class News:
    """One row of the table: a fault, and what the user is told."""

    fault: Fault
    key: str
    field: str
    flow_key: str
    text: str
    setup: ConfigEntryState = ConfigEntryState.SETUP_RETRY
    polls: int = 1
    """How many such answers in a row it takes to lose sight of the server."""


# What the answers are that an error stands for, is tested with the Plex side.
NEWS = [
    News(
        Fault.UNAUTHORIZED,
        "invalid_auth",
        CONF_TOKEN,
        "invalid_auth",
        "Media Server does not accept the stored token",
        polls=2,
    ),
    News(
        Fault.FORBIDDEN,
        "not_owner",
        CONF_TOKEN,
        "not_owner",
        "does not own Media Server",
        setup=ConfigEntryState.SETUP_ERROR,
    ),
    News(
        Fault.DROP,
        "cannot_connect",
        CONF_URL,
        "cannot_connect",
        "Media Server cannot be reached (closed without an answer)",
    ),
    News(
        Fault.TRUNCATED,
        "cannot_connect",
        CONF_URL,
        "cannot_connect",
        "Media Server cannot be reached",
    ),
    News(
        Fault.MAINTENANCE,
        "server_busy",
        "base",
        "server_busy",
        "busy with its own maintenance (HTTP status 503)",
        polls=3,
    ),
    News(Fault.HTML, "bad_response", CONF_URL, "not_plex", "(not JSON)"),
    News(Fault.NOT_FOUND, "bad_response", CONF_URL, "not_plex", "(HTTP status 404)"),
    News(
        Fault.SERVER_ERROR,
        "bad_response",
        "base",
        "server_error",
        "(HTTP status 500)",
        polls=3,
    ),
]
# A body does not matter in the answer to a press, and a 404 there is about the task.
OF_A_BODY = {Fault.TRUNCATED, Fault.HTML, Fault.NOT_FOUND}


def rows(news: Iterable[News]) -> pytest.MarkDecorator:
    """Run a test for each of some rows of the table."""
    return pytest.mark.parametrize("news", news, ids=lambda one: one.fault.name.lower())


def reauth_flows(hass: HomeAssistant) -> int:
    return len(
        hass.config_entries.flow.async_progress_by_handler(
            DOMAIN, match_context={"source": SOURCE_REAUTH}
        )
    )


def press(hass: HomeAssistant) -> Awaitable[Any]:
    return hass.services.async_call(
        "button", "press", {"entity_id": START}, blocking=True
    )


@rows(NEWS)
async def test_setup(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, news: News
) -> None:
    plex.inject(news.fault, "/butler")

    await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is news.setup
    assert entry.error_reason_translation_key == news.key
    assert news.text in str(entry.reason)
    assert reauth_flows(hass) == 0


async def test_setup_where_http_never_worked(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    """A server that requires secure connections refuses http like this."""
    plex.inject(Fault.DROP)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == "https_required"
    assert "address that starts with https://" in str(entry.reason)


async def test_setup_timeout(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, hung: Hung
) -> None:
    plex.inject(Fault.SLOW, "/butler")

    await hung(hass.config_entries.async_setup(entry.entry_id))

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "cannot_connect"


@rows(NEWS)
@pytest.mark.usefixtures("loaded")
async def test_poll(
    hass: HomeAssistant,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    news: News,
) -> None:
    plex.inject(news.fault, "/butler")
    states = []
    for _ in range(news.polls):
        states.append(hass.states.get(BACKUP).state)
        await tick(60)

    assert states == ["idle"] * news.polls
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE
    assert hass.states.get(START).state == STATE_UNAVAILABLE
    assert [news.text in record.message for record in caplog.records].count(True) == 1
    assert reauth_flows(hass) == (news.key == "invalid_auth")


@pytest.mark.usefixtures("loaded")
async def test_poll_timeout(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick, hung: Hung
) -> None:
    """A server deep in maintenance answers slowly: twice in a row says nothing."""
    plex.inject(Fault.SLOW, "/butler")
    await hung(tick(60))
    await hung(tick(60))
    assert hass.states.get(BACKUP).state == "idle"

    await hung(tick(60))
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE

    plex.clear_faults()
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


@pytest.mark.usefixtures("loaded")
async def test_poll_recovers(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.HTML, "/butler")
    await tick(60)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE

    plex.clear_faults()
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


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


@rows(one for one in NEWS if one.fault not in OF_A_BODY)
@pytest.mark.usefixtures("loaded")
async def test_press(hass: HomeAssistant, plex: PlexSimulator, news: News) -> None:
    plex.inject(news.fault, START_PATH)

    with pytest.raises(HomeAssistantError) as raised:
        await press(hass)

    assert raised.value.translation_domain == DOMAIN
    assert raised.value.translation_key == news.key
    assert news.text in str(raised.value)
    await settle(hass)
    assert reauth_flows(hass) == 0
    assert plex.started == []


@pytest.mark.usefixtures("loaded")
async def test_press_refused(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await plex.stop()
    with pytest.raises(HomeAssistantError, match="cannot be reached") as raised:
        await press(hass)
    assert raised.value.translation_key == "cannot_connect"


@pytest.mark.usefixtures("loaded")
async def test_press_timeout(
    hass: HomeAssistant, plex: PlexSimulator, hung: Hung
) -> None:
    plex.inject(Fault.SLOW, START_PATH)
    with pytest.raises(HomeAssistantError, match="no answer in time") as raised:
        await hung(press(hass))
    assert raised.value.translation_key == "cannot_connect"


async def manual(hass: HomeAssistant) -> Any:
    """Open the form for address and token."""
    return await choose(hass, await start_flow(hass), "manual")


@rows(NEWS)
async def test_flow(hass: HomeAssistant, plex: PlexSimulator, news: News) -> None:
    plex.inject(news.fault, "/butler")
    result = await submit(hass, await manual(hass), **typed(plex))
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {news.field: news.flow_key}

    plex.clear_faults()
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_flow_refused(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await plex.stop()
    result = await submit(hass, await manual(hass), **typed(plex))
    assert result["errors"] == {CONF_URL: "cannot_connect"}

    await plex.start()
    result = await submit(hass, result, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_flow_timeout(
    hass: HomeAssistant, plex: PlexSimulator, hung: Hung
) -> None:
    plex.inject(Fault.SLOW, "/butler")
    form = await manual(hass)
    result = await hung(submit(hass, form, **typed(plex)))
    assert result["errors"] == {CONF_URL: "cannot_connect"}

    plex.clear_faults()
    result = await submit(hass, form, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier


async def test_flow_tls(hass: HomeAssistant, plex: PlexSimulator) -> None:
    form = await manual(hass)
    url = plex.url.replace("http:", "https:")
    result = await submit(hass, form, **typed(plex, url=url))
    assert result["errors"] == {CONF_URL: "ssl_error"}

    result = await submit(hass, form, **typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == plex.machine_identifier
