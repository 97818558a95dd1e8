"""What the Butler is doing, worked out from the server's activities.

The server never says which task runs. Its activities do, in more than one way: a run
is one parent activity, whose subtitle or sub-activities may name the task at work.
Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from .models import Activity, ButlerTask

_PARENT_TYPE = "butler"
_PARENT_TITLE = "Butler tasks"

# What a task's work looks like. It also occurs on its own, when media is added or a
# user asks for it, so it is a hint only while the Butler runs and names no task itself.
_WORK = {
    "library.update.section": "RefreshLibraries",
    "media.generate.credits": "ButlerTaskGenerateCreditsMarkers",
    "media.generate.intros": "ButlerTaskGenerateIntroMarkers",
    "media.generate.voice.activity": "ButlerTaskGenerateVoiceActivity",
    "media.generate.chapter.thumbs": "GenerateChapterThumbs",
    "media.generate.bif": "GenerateMediaIndexFiles",
    "media.generate.loudness": "LoudnessAnalysis",
    "media.generate.music.analysis": "MusicAnalysis",
    "provider.epg.load": "RefreshEpgGuides",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintenance:
    """What can be known of the Butler at one moment."""

    active: bool
    """Whether the Butler is at work, on whatever task."""
    running: frozenset[str]
    """Names of the tasks known to run; empty while active means: not known which."""
    progress: float | None = None
    """Per cent of the run as a whole, which also falls; 100 is not its end."""

    @classmethod
    def observe(
        cls, tasks: Mapping[str, ButlerTask], activities: Iterable[Activity]
    ) -> Self:
        """Tell what runs from the server's tasks, by name, and its activities."""
        activities = tuple(activities)
        butlers = [activity for activity in activities if _is_butler(activity)]
        names = {task.title: name for name, task in tasks.items()}
        names |= {name: name for name in tasks}
        running = {
            names[text]
            for activity in activities
            for text in (activity.title, activity.subtitle)
            if text in names
        }
        if butlers and not running:
            running.update(
                _WORK[activity.type]
                for activity in activities
                if _WORK.get(activity.type) in tasks
            )
        parents = [activity for activity in butlers if activity.title not in names]
        return cls(
            active=bool(butlers or running),
            running=frozenset(running),
            progress=parents[0].progress if parents else None,
        )

    def including(self, names: Iterable[str]) -> Self:
        """Return the same with tasks that are known to run from elsewhere."""
        running = self.running.union(names)
        return replace(self, active=self.active or bool(running), running=running)


def _is_butler(activity: Activity) -> bool:
    return (
        activity.type == _PARENT_TYPE
        or activity.type.startswith(f"{_PARENT_TYPE}.")
        or activity.title == _PARENT_TITLE
    )
