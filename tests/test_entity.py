"""Which entities there are: those of what the server lists."""

import asyncio
from dataclasses import replace
from itertools import groupby, pairwise

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    BACKUP_ENABLED,
    END,
    NEXT_START,
    OF_TASK,
    OTHER_MACHINE,
    START,
    THUMBS,
    WINDOW,
    Tick,
    make_entry,
    settle,
    states,
)
from .simulator import (
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


@pytest.mark.freeze_time("2026-11-23 12:00:00")
async def test_entities_of_a_server_and_a_task(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    plex.tasks = {"BackupDatabase": plex.tasks["BackupDatabase"]}
    await hass.config_entries.async_setup(entry.entry_id)
    entities = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    for entity in entities:
        key = entity.unique_id.removeprefix(f"{plex.machine_identifier}_")
        assert {
            "category": entity.entity_category,
            "device_class": entity.original_device_class,
            "disabled_by": entity.disabled_by,
            "state": hass.states.get(entity.entity_id),
            "translation_key": entity.translation_key,
        } == snapshot(name=key, exclude=props("entity_id"))
    assert len(entities) == 18


@pytest.mark.usefixtures("loaded")
async def test_entities_of_a_whole_server(hass: HomeAssistant) -> None:
    """Twelve of the server, and five or six of each of 22 tasks: 19 have a setting."""
    assert len(hass.states.async_entity_ids()) == 12 + 22 * 5 + 19


NEW = SimulatedTask(
    name="PolishSilver",
    title="Polish Silver",
    description="Not a task of any real server",
    interval=7,
)


async def test_new_task_appears_without_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.tasks[NEW.name] = NEW
    await tick(61)
    assert hass.states.get(f"sensor.{OF_TASK}polish_silver").state == "idle"
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": f"button.{OF_TASK}polish_silver_start"},
        blocking=True,
    )
    assert plex.started == [NEW.name]


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
        "window_end",
        "window_start",
    }
    assert states(hass, f"switch.{OF_TASK}refresh_libraries_run_automatically") == [
        "off"
    ]


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
    assert len(ids(entity_registry, entry, "select")) == 7
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
    selects = ids(entity_registry, entry, "select")
    assert len(selects) == 9
    assert "window_start" in selects
    assert states(hass, START, BACKUP) == ["02:00", "idle"]
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
        await settle(hass)

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
    assert states(hass, BACKUP, END) == ["idle", "05:00"]

    plex.settings.update(gone)
    await wait()
    assert states(hass, BACKUP_ENABLED, THUMBS, START) == ["on", "scheduled", "02:00"]
    assert hass.states.get(WINDOW).state in {"on", "off"}
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
        "select", DOMAIN, f"{plex.machine_identifier}_window_start"
    )


async def test_new_setting_appears_without_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A setting that is listed anew brings its entity without a reload."""
    plex.tasks["New"] = SimulatedTask("New", "New", "", 1)
    await tick(61)
    assert hass.states.get(f"switch.{OF_TASK}new_run_automatically") is None

    plex.settings["ButlerTaskNew"] = replace(
        plex.settings["ButlerTaskBackupDatabase"], id="ButlerTaskNew"
    )
    for _ in range(15):
        await tick(60)
    assert states(hass, f"switch.{OF_TASK}new_run_automatically") == ["on"]


async def test_others_go_on_while_entities_are_added(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """One platform after the other adds a few in each turn of the event loop."""
    counts = [0]

    async def count() -> None:
        while entry.state is not ConfigEntryState.LOADED:
            counts.append(len(hass.states.async_entity_ids()))
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert await hass.config_entries.async_setup(entry.entry_id)
    await counting
    assert max(later - earlier for earlier, later in pairwise(counts)) <= 3


async def test_task_that_goes_while_entities_are_added(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
) -> None:
    """An automation asks for an update as soon as the first of many has a state."""
    # Adding so many takes longer than the update.
    names = [f"Task{number}" for number in range(150)]
    plex.tasks |= {name: SimulatedTask(name, name, "", 1) for name in names}

    @callback
    def update(event: Event[EventStateChangedData]) -> None:
        unsubscribe()
        plex.tasks = {"BackupDatabase": plex.tasks["BackupDatabase"]}
        hass.async_create_task(
            hass.services.async_call(
                "homeassistant",
                "update_entity",
                {"entity_id": event.data["entity_id"]},
            )
        )

    assert await async_setup_component(hass, "homeassistant", {})
    unsubscribe = async_track_state_change_event(
        hass, "button.media_server_start_all_tasks", update
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert {*hass.states.async_entity_ids()} == {
        entity.entity_id
        for entity in er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    }
    assert ids(entity_registry, entry, "button") == {
        "BackupDatabase_start",
        "BackupDatabase_stop",
        "start_all_tasks",
        "stop_all_tasks",
    }


async def test_one_server_adds_its_entities_after_the_other(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """If a hundred did at once, Home Assistant would call each of them slow."""
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    async with PlexSimulator(machine_identifier=OTHER_MACHINE) as plex:
        plex.websocket_refusal = 404
        other = make_entry(plex)
        other.add_to_hass(hass)
        # Sets up both.
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        assert other.state is ConfigEntryState.LOADED
        added = [
            entity_registry.async_get(event.data["entity_id"]).config_entry_id
            for event in events
        ]
        assert len([*groupby(added)]) == 2
        await hass.config_entries.async_unload(other.entry_id)
