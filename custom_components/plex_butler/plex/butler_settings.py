"""Settings of the server that belong to the Butler.

Follows https://developer.plex.tv/pms/ ("Preferences").
"""

from enum import StrEnum

from .models import SettingKind

# These tasks have a setting with three values instead of a switch.
_BEHAVIORS = {
    "ButlerTaskGenerateAdMarkers": "GenerateAdMarkerBehavior",
    "ButlerTaskGenerateCreditsMarkers": "GenerateCreditsMarkerBehavior",
    "ButlerTaskGenerateIntroMarkers": "GenerateIntroMarkerBehavior",
    "ButlerTaskGenerateVoiceActivity": "GenerateVADBehavior",
    "GenerateChapterThumbs": "GenerateChapterThumbBehavior",
    "GenerateMediaIndexFiles": "GenerateBIFBehavior",
    "LoudnessAnalysis": "LoudnessAnalysisBehavior",
    "MusicAnalysis": "MusicAnalysisBehavior",
}
_SWITCH_PREFIX = "ButlerTask"


class WindowSetting(StrEnum):
    """Start and end of the maintenance window: hours of the server's local time."""

    START = "ButlerStartHour"
    END = "ButlerEndHour"


_OTHERS = {*WindowSetting, *_BEHAVIORS.values()}


class Behavior(StrEnum):
    """The values of a task's setting that is not a switch."""

    NEVER = "never"
    SCHEDULED = "scheduled"
    """In the maintenance window."""
    ASAP = "asap"
    """In the maintenance window, and as soon as media is added."""


def setting_id_for_task(task: str) -> str:
    """Return the id of the setting that controls when a task may run.

    The server may not have that setting.
    """
    return _BEHAVIORS.get(task, _SWITCH_PREFIX + task)


def setting_kind_for_task(task: str) -> SettingKind:
    """Return the kind that this setting is expected to have."""
    return SettingKind.TEXT if task in _BEHAVIORS else SettingKind.BOOL


def is_butler_setting(setting_id: str) -> bool:
    """Return whether a setting belongs to the Butler."""
    return setting_id in _OTHERS or setting_id.startswith(_SWITCH_PREFIX)
