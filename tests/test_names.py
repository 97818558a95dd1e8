"""What a task is called that the server gives no title, or that of another task."""

from dataclasses import replace
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.names import title_from_name, translation_key
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .common import OF_TASK, settle, states
from .simulator import PlexSimulator, SimulatedTask

EN = Path(__file__).parents[1] / f"custom_components/{DOMAIN}/translations/en.json"
# All names that were seen on servers, of any version.
KNOWN = [
    "AutomaticUpdates",
    "BackupDatabase",
    "BuildGracenoteCollections",
    "ButlerTaskCleanSupplementalLogFiles",
    "ButlerTaskGenerateAdMarkers",
    "ButlerTaskGenerateCreditsMarkers",
    "ButlerTaskGenerateIntroMarkers",
    "ButlerTaskGenerateVoiceActivity",
    "CheckForUpdates",
    "CleanOldBundles",
    "CleanOldCacheFiles",
    "DeepMediaAnalysis",
    "GarbageCollectBlobs",
    "GarbageCollectLibraryMedia",
    "GenerateAutoTags",
    "GenerateBlurHashes",
    "GenerateChapterThumbs",
    "GenerateMediaIndexFiles",
    "LoudnessAnalysis",
    "MusicAnalysis",
    "OptimizeDatabase",
    "ProcessAssets",
    "RefreshEpgGuides",
    "RefreshLibraries",
    "RefreshLocalMedia",
    "RefreshPeriodicMetadata",
    "UpgradeMediaAnalysis",
]


def untitled(name: str) -> SimulatedTask:
    return SimulatedTask(name, None, None, 1, duration=0)


async def set_up(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator, *tasks: Any
) -> dict[str, str]:
    """Set a server with these tasks up; return the names of their devices, by name."""
    plex.tasks = {task.name: task for task in tasks}
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    registry = dr.async_get(hass)
    (server,) = dr.async_entries_for_config_entry(registry, entry.entry_id)
    return {
        identifier.removeprefix(f"{plex.machine_identifier}_"): device.name
        for device in dr.async_entries_for_parent_device(registry, server.id)
        for _, identifier in device.identifiers
    }


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ProcessAssets", "Process assets"),
        ("ButlerTaskGenerateAdMarkers", "Generate ad markers"),
        ("RefreshEPGGuides", "Refresh EPG guides"),
        ("Upgrade2Analysis", "Upgrade2 analysis"),
        ("ButlerTask", "Butler task"),
        ("already words", "already words"),
    ],
)
def test_name_in_words(name: str, title: str) -> None:
    assert title_from_name(name) == title


def test_known_tasks_have_their_texts() -> None:
    texts = json.loads(EN.read_text())
    keys = [translation_key(name) for name in KNOWN]
    assert "butler_task_generate_ad_markers" in keys
    assert list(texts["device"]) == keys
    descriptions = {key for key in texts["common"] if key.startswith("description_")}
    assert descriptions == {f"description_{key}" for key in keys}


async def test_task_without_texts(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator
) -> None:
    """It is called the same everywhere; only what is known is described."""
    known, unknown = untitled("RefreshEpgGuides"), untitled("ButlerTaskPolishTags")
    titles = {known.name: "Refresh EPG guides", unknown.name: "Polish tags"}
    assert await set_up(hass, entry, plex, known, unknown) == titles

    descriptions = {
        known.name: "Downloads the program guide for live TV.",
        unknown.name: "",
    }
    response = await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": entry.entry_id},
        blocking=True,
        return_response=True,
    )
    tasks = response["tasks"]
    assert {task["name"]: task["title"] for task in tasks} == titles
    assert {task["name"]: task["description"] for task in tasks} == descriptions
    sensor = f"sensor.{OF_TASK}refresh_epg_guides"
    assert states(hass, sensor) == ["idle"]
    description = hass.states.get(sensor).attributes["description"]
    assert description == descriptions[known.name]
    assert entry.runtime_data.butler.data.title("ProcessAssets") == "Process assets"


async def test_two_tasks_with_one_title(
    hass: HomeAssistant, entry: MockConfigEntry, plex: PlexSimulator
) -> None:
    backup = plex.tasks["BackupDatabase"]
    assert await set_up(
        hass, entry, plex, backup, replace(backup, name="Copy"), untitled("Other")
    ) == {
        "BackupDatabase": "Backup Database (BackupDatabase)",
        "Copy": "Backup Database (Copy)",
        "Other": "Other",
    }
