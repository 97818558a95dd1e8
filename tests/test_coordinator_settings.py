"""When the settings are read, and what is made of it when they cannot be."""

import asyncio

from plexapi.server import PlexServer
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    NEXT_START,
    OF_TASK,
    PREFS,
    START,
    THUMBS,
    WINDOW,
    Hung,
    Tick,
    set_hour,
    settle,
    states,
)
from .simulator import (
    Fault,
    PlexSimulator,
)

OF_SETTINGS = (BACKUP_ENABLED, THUMBS, START, WINDOW, NEXT_START)


def reads(plex: PlexSimulator) -> int:
    """Return how often the settings were read."""
    return [(r.method, r.raw_path) for r in plex.requests].count(("GET", PREFS))


async def test_not_with_every_poll(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Once at the start, and then every quarter of an hour."""
    assert reads(plex) == 1
    plex.requests.clear()
    for _ in range(14):
        await tick(60)
    assert reads(plex) == 0
    await tick(60)
    assert reads(plex) == 1
    for _ in range(45):
        await tick(60)
    assert reads(plex) == 4


async def test_as_often_with_the_stream(
    live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    for _ in range(60):
        await tick(60)
    assert reads(plex) == 4


async def test_never_by_itself_without_polling(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    await async_setup_component(hass, "homeassistant", {})
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    plex.requests.clear()
    await tick(3600)
    assert reads(plex) == 0

    plex.change_settings(ButlerStartHour="4")
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": [START]}, blocking=True
    )
    await settle(hass)
    assert states(hass, START) == ["04:00"]


async def test_changed_elsewhere_without_the_stream(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.change_settings(ButlerStartHour="4", ButlerTaskBackupDatabase="0")
    await tick(60)
    assert states(hass, START, BACKUP, BACKUP_ENABLED) == ["02:00", "disabled", "on"]
    for _ in range(15):
        await tick(60)
    assert states(hass, START, BACKUP, BACKUP_ENABLED) == ["04:00", "disabled", "off"]


async def test_changed_by_another_client(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The stream tells, and it shows a second later, also in the task's sensor."""

    def change() -> None:
        settings = PlexServer(plex.url, plex.token).settings
        settings.get("ButlerStartHour").set(4)
        settings.get("ButlerTaskBackupDatabase").set(False)
        settings.save()

    await asyncio.to_thread(change)
    plex.requests.clear()
    await settle(hass)
    await tick(1)
    assert states(hass, START, BACKUP, BACKUP_ENABLED) == ["04:00", "disabled", "off"]
    assert reads(plex) == 1


async def test_many_changes_are_read_once(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    for hour in range(20):
        plex.change_settings(ButlerStartHour=str(hour), OnDeckWindow=str(hour))
    await settle(hass)
    await tick(1)
    assert states(hass, START) == ["19:00"]
    assert reads(plex) == 1


@pytest.mark.usefixtures("no_pause")
async def test_own_changes_are_read_once(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The server tells of them like of any other."""
    plex.requests.clear()
    plex.inject(Fault.SLOW, PREFS, "GET")
    write = asyncio.create_task(
        hass.services.async_call(
            "select",
            "select_option",
            {"entity_id": START, "option": "04:00"},
            blocking=True,
        )
    )
    await plex.wait_for_request("GET", PREFS)
    await settle(hass)
    plex.clear_faults()
    await write
    await tick(1)
    assert states(hass, START) == ["04:00"]
    assert reads(plex) == 1


async def test_unload_before_a_change_is_read(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """A timer that is left behind fails any test."""
    plex.change_settings(ButlerStartHour="4")
    await settle(hass)
    plex.requests.clear()
    await hass.config_entries.async_unload(live.entry_id)
    assert plex.requests == []


async def test_anew_after_an_outage(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    assert states(hass, *OF_SETTINGS) == [STATE_UNAVAILABLE] * 5
    plex.change_settings(ButlerStartHour="4")
    await plex.start()
    await tick(60)
    assert states(hass, START, BACKUP_ENABLED) == ["04:00", "on"]


@pytest.mark.freeze_time("2026-07-08 19:30:00+00:00")  # No window opens or closes.
async def test_changes_that_are_none_of_ours(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    plex.change_settings(OnDeckWindow="3", autoEmptyTrash="0")
    reported = hass.states.get(BACKUP).last_reported
    for _ in range(16):
        await tick(60)
    assert events == []
    assert hass.states.get(BACKUP).last_reported == reported


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED, Fault.SERVER_ERROR, Fault.WRONG_TYPES, Fault.DROP]
)
async def test_not_at_the_start(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    caplog.set_level("INFO", "custom_components.plex_butler")
    plex.inject(fault, PREFS)
    await hass.config_entries.async_setup(entry.entry_id)
    await tick(61)
    assert entry.state is ConfigEntryState.LOADED
    assert states(hass, BACKUP) == ["idle"]
    assert [hass.states.get(entity_id) for entity_id in OF_SETTINGS] == [None] * 5
    assert caplog.text.count("The settings of Media Server cannot be read") == 1

    plex.clear_faults()
    await tick(61)
    assert states(hass, BACKUP_ENABLED, THUMBS, START) == ["on", "scheduled", "02:00"]
    assert hass.config_entries.flow.async_progress() == []


async def test_slow_at_the_start(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, hung: Hung
) -> None:
    plex.inject(Fault.SLOW, PREFS)
    await hung(hass.config_entries.async_setup(entry.entry_id))
    assert entry.state is ConfigEntryState.LOADED
    assert states(hass, BACKUP) == ["idle"]
    plex.clear_faults()


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR, Fault.FORBIDDEN, Fault.HTML, Fault.EMPTY, Fault.DROP]
)
async def test_not_later(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    """They are unavailable, stay, and are back with the next poll that can."""
    caplog.set_level("INFO", "custom_components.plex_butler")
    before = set(entity_registry.entities)
    for _ in range(2):
        plex.inject(fault, PREFS)
        for _ in range(18):
            await tick(60)
        assert states(hass, *OF_SETTINGS, BACKUP) == [STATE_UNAVAILABLE] * 5 + ["idle"]
        assert set(entity_registry.entities) == before

        plex.clear_faults()
        await tick(60)
        assert states(hass, BACKUP_ENABLED, THUMBS, START) == [
            "on",
            "scheduled",
            "02:00",
        ]
    assert caplog.text.count("The settings of Media Server cannot be read") == 2
    assert "unique ID" not in caplog.text


async def test_none_of_the_butler(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
) -> None:
    """A server that is not ready yet takes no entity and its options away."""
    before = set(entity_registry.entities)
    settings = dict(plex.settings)
    others = {"OnDeckWindow": settings["OnDeckWindow"]}
    plex.settings.clear()
    plex.settings.update(others)
    await tick(901)
    assert states(hass, BACKUP_ENABLED) == [STATE_UNAVAILABLE]
    assert set(entity_registry.entities) == before

    plex.settings.update(settings)
    await tick(60)
    assert states(hass, BACKUP_ENABLED) == ["on"]


async def test_busy_is_not_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """But for the third time in a row."""
    plex.inject(Fault.MAINTENANCE, PREFS)
    for _ in range(16):
        await tick(60)
    assert states(hass, START) == ["02:00"]
    await tick(60)
    assert states(hass, START, BACKUP) == [STATE_UNAVAILABLE, "idle"]


async def test_slow_settings_do_not_hold_up_the_tasks(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.SLOW, PREFS)
    for _ in range(14):
        await tick(60)
    plex.requests.clear()
    await tick(60)
    assert reads(plex) == 1
    plex.butler.start("OptimizeDatabase")
    await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": loaded.entry_id},
        blocking=True,
        return_response=True,
    )
    assert states(hass, f"sensor.{OF_TASK}optimize_database") == ["running"]

    plex.clear_faults()
    await settle(hass)
    assert states(hass, START) == ["02:00"]


async def test_slow_name_does_not_hold_up_the_settings(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.SLOW, "/")
    plex.change_settings(ButlerStartHour="4")
    for _ in range(15):
        await tick(60)
    assert states(hass, START) == ["04:00"]


@pytest.mark.usefixtures("no_pause")
async def test_reads_do_not_queue_up_behind_a_write(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    plex.inject(Fault.SLOW, PREFS, "PUT")
    write = asyncio.create_task(set_hour(hass, START, 4))
    for days in range(5):
        await settle(hass)
        plex.change_settings(OnDeckWindow=str(days))
        await settle(hass)
        await tick(1)
    plex.clear_faults()
    await write
    await settle(hass)
    assert states(hass, START) == ["04:00"]
    assert reads(plex) <= 2  # that of the write, and one for all the changes
