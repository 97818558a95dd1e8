"""Which of a server's settings are the Butler's.

They are read and changed as https://developer.plex.tv/pms/ says ("Preferences").
"""

from enum import StrEnum

from .models import SettingKind

# A task that is not just on or off has a setting of its own for when to do its work.
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
_SWITCH = "ButlerTask"


class WindowSetting(StrEnum):
    """The maintenance window: hours of the server's local time, 0 to 23."""

    START = "ButlerStartHour"
    END = "ButlerEndHour"


_BUTLERS = {*WindowSetting, *_BEHAVIORS.values()}


class Behavior(StrEnum):
    """When a task does its work, where it is not just on or off."""

    NEVER = "never"
    SCHEDULED = "scheduled"
    """In the maintenance window."""
    ASAP = "asap"
    """That, and as soon as media is added."""


def setting_id_for_task(task: str) -> str:
    """Return the id of the setting that says when a task may run.

    Not every task has one, and which settings there are is the server's to say.
    """
    return _BEHAVIORS.get(task, _SWITCH + task)


def setting_kind_for_task(task: str) -> SettingKind:
    """Return of what kind that setting is, if it is what it should be."""
    return SettingKind.TEXT if task in _BEHAVIORS else SettingKind.BOOL


def is_butler_setting(setting_id: str) -> bool:
    """Return whether a setting is one of the Butler's."""
    return setting_id in _BUTLERS or setting_id.startswith(_SWITCH)
