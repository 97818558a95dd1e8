"""The settings that belong to the Butler."""

import pytest

from custom_components.plex_butler.plex import (
    SettingKind,
    is_butler_setting,
    setting_id_for_task,
    setting_kind_for_task,
)


@pytest.mark.parametrize(
    ("task", "setting_id"),
    [
        ("BackupDatabase", "ButlerTaskBackupDatabase"),
        ("GarbageCollectBlobs", "ButlerTaskGarbageCollectBlobs"),
        ("RefreshLibraries", "ButlerTaskRefreshLibraries"),
        ("ButlerTaskGenerateIntroMarkers", "GenerateIntroMarkerBehavior"),
        ("ButlerTaskGenerateCreditsMarkers", "GenerateCreditsMarkerBehavior"),
        ("ButlerTaskGenerateAdMarkers", "GenerateAdMarkerBehavior"),
        ("ButlerTaskGenerateVoiceActivity", "GenerateVADBehavior"),
        ("GenerateChapterThumbs", "GenerateChapterThumbBehavior"),
        ("GenerateMediaIndexFiles", "GenerateBIFBehavior"),
        ("LoudnessAnalysis", "LoudnessAnalysisBehavior"),
        ("MusicAnalysis", "MusicAnalysisBehavior"),
    ],
)
def test_setting_of_a_task(task: str, setting_id: str) -> None:
    switch = setting_id.startswith("ButlerTask")

    assert setting_id_for_task(task) == setting_id
    assert setting_kind_for_task(task) is (
        SettingKind.BOOL if switch else SettingKind.TEXT
    )
    assert is_butler_setting(setting_id)


@pytest.mark.parametrize(
    ("setting_id", "is_butlers"),
    [
        ("ButlerStartHour", True),
        ("ButlerEndHour", True),
        ("ButlerTaskOfTomorrow", True),
        ("ButlerUpdateChannel", False),
        ("FriendlyName", False),
        ("", False),
    ],
)
def test_other_settings(setting_id: str, *, is_butlers: bool) -> None:
    assert is_butler_setting(setting_id) is is_butlers
