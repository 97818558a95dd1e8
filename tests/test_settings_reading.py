"""When the settings are read, and what is made of it."""

import asyncio
from dataclasses import replace

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

from .bad_news import News, every_news
from .conftest import OF_TASK, Hung, Tick, settle, states, until
from .simulator import (
    Fault,
    PlexSimulator,
    SimulatedSetting,
    SimulatedTask,
    default_settings,
)

PREFS = "/:/prefs"
BACKUP = f"sensor.{OF_TASK}backup_database"
BACKUP_ENABLED = f"switch.{OF_TASK}backup_database_enabled"
THUMBS = f"select.{OF_TASK}generate_chapter_thumbnails_schedule"
START = "number.media_server_window_start"
WINDOW = "binary_sensor.media_server_maintenance_window"
NEXT_START = "sensor.media_server_next_window_start"
OF_SETTINGS = (BACKUP_ENABLED, THUMBS, START, WINDOW, NEXT_START)


def reads(plex: PlexSimulator) -> int:
    """Return how often the settings were read."""
    return [(r.method, r.raw_path) for r in plex.requests].count(("GET", PREFS))


def ids(registry: er.EntityRegistry, entry: MockConfigEntry, domain: str) -> set[str]:
    """Return what there is in a domain, by the ends of the unique ids."""
    return {
        entity.unique_id.removeprefix(f"{entry.unique_id}_")
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.domain == domain
    }


# When


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
        "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
    )
    await settle(hass)
    assert states(hass, START) == ["4"]


async def test_changed_elsewhere_without_the_stream(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.change_settings(ButlerStartHour="4", ButlerTaskBackupDatabase="0")
    await tick(60)
    assert states(hass, START, BACKUP, BACKUP_ENABLED) == ["2", "disabled", "on"]
    for _ in range(15):
        await tick(60)
    assert states(hass, START, BACKUP, BACKUP_ENABLED) == ["4", "disabled", "off"]


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
    await heard(hass, plex)
    await tick(1)
    assert states(hass, START, BACKUP, BACKUP_ENABLED) == ["4", "disabled", "off"]
    assert reads(plex) == 1


async def heard(hass: HomeAssistant, plex: PlexSimulator) -> None:
    """Wait until all frames sent so far have been taken in."""
    plex.butler.start("OptimizeDatabase")
    await until(hass, f"sensor.{OF_TASK}optimize_database", "running")


async def test_many_changes_are_read_once(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    for hour in range(20):
        plex.change_settings(ButlerStartHour=str(hour), OnDeckWindow=str(hour))
    await heard(hass, plex)
    await tick(1)
    assert states(hass, START) == ["19"]
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
            "number", "set_value", {"entity_id": START, "value": 4}, blocking=True
        )
    )
    await plex.wait_for_request("GET", PREFS)
    await heard(hass, plex)
    plex.clear_faults()
    await write
    await tick(1)
    assert states(hass, START) == ["4"]
    assert reads(plex) == 1


async def test_unload_before_a_change_is_read(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.change_settings(ButlerStartHour="4")
    await heard(hass, plex)
    await hass.config_entries.async_unload(live.entry_id)
    plex.requests.clear()
    await tick(1)
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
    assert states(hass, START, BACKUP_ENABLED) == ["4", "on"]


async def test_changes_that_are_none_of_ours(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    plex.change_settings(OnDeckWindow="3", FriendlyName="Attic")
    reported = hass.states.get(BACKUP).last_reported
    for _ in range(16):
        await tick(60)
    assert events == []
    assert hass.states.get(BACKUP).last_reported == reported


# Failures, which the tasks take no notice of


@every_news
async def test_not_at_the_start(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    news: News,
) -> None:
    caplog.set_level("INFO", "custom_components.plex_butler")
    plex.inject(news.fault, PREFS)
    await hass.config_entries.async_setup(entry.entry_id)
    await tick(61)
    assert entry.state is ConfigEntryState.LOADED
    assert states(hass, BACKUP) == ["idle"]
    assert [hass.states.get(entity_id) for entity_id in OF_SETTINGS] == [None] * 5
    assert caplog.text.count("The settings of Media Server cannot be read") == 1

    plex.clear_faults()
    await tick(61)
    assert states(hass, BACKUP_ENABLED, THUMBS, START) == ["on", "scheduled", "2"]
    assert hass.config_entries.flow.async_progress() == []


async def test_slow_at_the_start(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, hung: Hung
) -> None:
    plex.inject(Fault.SLOW, PREFS)
    await hung(hass.config_entries.async_setup(entry.entry_id), "GET", PREFS)
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
        assert states(hass, BACKUP_ENABLED, THUMBS, START) == ["on", "scheduled", "2"]
    assert caplog.text.count("The settings of Media Server cannot be read") == 2
    assert "unique ID" not in caplog.text


async def test_busy_is_not_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """But for the third time in a row."""
    plex.inject(Fault.MAINTENANCE, PREFS)
    for _ in range(16):
        await tick(60)
    assert states(hass, START) == ["2"]
    await tick(60)
    assert states(hass, START, BACKUP) == [STATE_UNAVAILABLE, "idle"]


async def test_slow_settings_do_not_hold_up_the_tasks(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.SLOW, PREFS)
    for _ in range(14):
        await tick(60)
    plex.requests.clear()
    poll = asyncio.create_task(tick(60))
    await plex.wait_for_request("GET", PREFS)
    plex.butler.start("OptimizeDatabase")
    await loaded.runtime_data.get_butler_tasks()
    assert states(hass, f"sensor.{OF_TASK}optimize_database") == ["running"]

    # One more that is to be read has no other wait behind the first.
    reading = [asyncio.create_task(read(loaded)) for _ in range(3)]
    plex.clear_faults()
    await asyncio.gather(poll, *reading)
    assert reads(plex) == 2


async def read(entry: MockConfigEntry) -> None:
    await entry.runtime_data.async_read_settings()


# Settings that come and go


async def test_only_what_the_server_lists(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    """A hidden one, too; and one of three states is no switch."""
    assert ids(entity_registry, loaded, "switch") == {
        "BackupDatabase_enabled",
        "CleanOldBundles_enabled",
        "CleanOldCacheFiles_enabled",
        "DeepMediaAnalysis_enabled",
        "GarbageCollectBlobs_enabled",
        "OptimizeDatabase_enabled",
        "RefreshEpgGuides_enabled",
        "RefreshLibraries_enabled",
        "RefreshLocalMedia_enabled",
        "RefreshPeriodicMetadata_enabled",
        "UpgradeMediaAnalysis_enabled",
    }
    assert ids(entity_registry, loaded, "select") == {
        "ButlerTaskGenerateAdMarkers_schedule",
        "ButlerTaskGenerateCreditsMarkers_schedule",
        "ButlerTaskGenerateIntroMarkers_schedule",
        "ButlerTaskGenerateVoiceActivity_schedule",
        "GenerateChapterThumbs_schedule",
        "GenerateMediaIndexFiles_schedule",
        "LoudnessAnalysis_schedule",
        "MusicAnalysis_schedule",
    }
    assert ids(entity_registry, loaded, "number") == {"window_start", "window_end"}
    assert states(hass, f"switch.{OF_TASK}refresh_libraries_enabled") == ["off"]


async def test_server_without_a_plex_pass(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    """It may list the tasks all the same."""
    for setting_id in set(plex.settings) - set(default_settings(plex_pass=False)):
        del plex.settings[setting_id]
    await hass.config_entries.async_setup(entry.entry_id)
    assert len(ids(entity_registry, entry, "select")) == 5
    assert states(hass, f"sensor.{OF_TASK}generate_intro_markers") == ["idle"]


async def test_type_nobody_knows(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    """It breaks nothing, and one of another type than it should be is none of ours."""
    for setting_id in ("Odd", "ButlerTaskBackupDatabase", "ButlerEndHour"):
        odd = SimulatedSetting(id=setting_id, type="colour", default="red")
        plex.settings[setting_id] = odd
    plex.tasks["New"] = SimulatedTask("New", "New", "", 1)
    plex.settings["ButlerTaskNew"] = SimulatedSetting(
        id="ButlerTaskNew", type="text", default="never"
    )
    await hass.config_entries.async_setup(entry.entry_id)
    assert len(ids(entity_registry, entry, "switch")) == 10
    assert len(ids(entity_registry, entry, "select")) == 8
    assert ids(entity_registry, entry, "number") == {"window_start"}
    assert states(hass, START, BACKUP) == ["2", "idle"]
    assert [hass.states.get(one) for one in (BACKUP_ENABLED, WINDOW, NEXT_START)] == [
        None
    ] * 3


@pytest.mark.parametrize("reload", [True, False])
async def test_setting_that_goes_and_comes_back(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
    caplog: pytest.LogCaptureFixture,
    *,
    reload: bool,
) -> None:
    async def wait() -> None:
        await {True: loaded_anew, False: quarter_of_an_hour}[reload]()

    async def loaded_anew() -> None:
        await hass.config_entries.async_reload(loaded.entry_id)
        await hass.async_block_till_done()

    async def quarter_of_an_hour() -> None:
        for _ in range(16):
            await tick(60)

    gone = {
        setting_id: plex.settings.pop(setting_id)
        for setting_id in (
            "ButlerTaskBackupDatabase",
            "GenerateChapterThumbBehavior",
            "ButlerStartHour",
        )
    }
    await wait()
    assert [entity_registry.async_get(one) for one in OF_SETTINGS] == [None] * 5
    assert [hass.states.get(one) for one in OF_SETTINGS] == [None] * 5
    assert states(hass, BACKUP, "number.media_server_window_end") == ["idle", "5"]

    plex.settings.update(gone)
    await wait()
    assert states(hass, BACKUP_ENABLED, THUMBS, START) == ["on", "scheduled", "2"]
    assert hass.states.get(WINDOW).state in {"on", "off"}
    assert "unique ID" not in caplog.text


async def test_task_that_goes_and_comes_back(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backup = plex.tasks.pop("BackupDatabase")
    await tick(61)
    assert hass.states.get(BACKUP_ENABLED) is None

    plex.tasks["BackupDatabase"] = backup
    await tick(61)
    assert states(hass, BACKUP_ENABLED) == ["on"]
    assert "unique ID" not in caplog.text


@pytest.mark.parametrize("fault", [Fault.EMPTY, Fault.SERVER_ERROR])
async def test_one_bad_list_of_tasks_removes_nothing(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    plex.inject(fault, "/butler", times=1)
    await tick(61)
    assert states(hass, BACKUP_ENABLED) == [STATE_UNAVAILABLE]
    await tick(61)
    assert states(hass, BACKUP_ENABLED) == ["on"]
    assert "unique ID" not in caplog.text


async def test_disabled_by_the_user_stays_so(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
) -> None:
    entity_registry.async_update_entity(
        START, disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.config_entries.async_reload(loaded.entry_id)
    await tick(61)
    assert hass.states.get(START) is None
    assert entity_registry.async_get(START).disabled
    assert entity_registry.async_get_entity_id(
        "number", DOMAIN, f"{plex.machine_identifier}_window_start"
    )


async def test_new_setting_appears_without_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A setting that is listed anew brings its entity without a reload."""
    plex.tasks["New"] = SimulatedTask("New", "New", "", 1)
    await tick(61)
    assert hass.states.get(f"switch.{OF_TASK}new_enabled") is None

    plex.settings["ButlerTaskNew"] = replace(
        plex.settings["ButlerTaskBackupDatabase"], id="ButlerTaskNew"
    )
    for _ in range(15):
        await tick(60)
    assert states(hass, f"switch.{OF_TASK}new_enabled") == ["on"]
