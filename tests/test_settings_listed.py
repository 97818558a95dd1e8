"""Entities are those of the settings the server lists, which come and go."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    NEXT_START,
    OF_TASK,
    START,
    THUMBS,
    WINDOW,
    Tick,
    states,
)
from .simulator import (
    Fault,
    PlexSimulator,
    SimulatedSetting,
    SimulatedTask,
    default_settings,
)

OF_SETTINGS = (BACKUP_ENABLED, THUMBS, START, WINDOW, NEXT_START)


def ids(registry: er.EntityRegistry, entry: MockConfigEntry, domain: str) -> set[str]:
    """Return what there is in a domain, by the ends of the unique ids."""
    return {
        entity.unique_id.removeprefix(f"{entry.unique_id}_")
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.domain == domain
    }


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
