"""The state of the Butler, worked out from the server's activities.

The server never says which task is running. Its activities do, in more than one way: a
run is one parent activity, whose subtitle or sub-activities may name the running task.
Nothing here does I/O.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from .models import Activity, ButlerTask

_PARENT_TYPE = "butler"
_PARENT_TITLE = "Butler tasks"

# Activities that are the work of a task. They also occur on their own, when media is
# added or a user asks for it, so they count only while the Butler is active and no
# activity names a task.
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
    """What is known about the Butler at one moment."""

    active: bool
    """Whether the Butler is at work, on whatever task."""
    running: frozenset[str]
    """Names of the tasks known to be running."""
    stopping: frozenset[str] = frozenset()
    """Those of them that this client has asked to stop."""
    progress: float | None = None
    """Per cent of all registered work. It can fall, and 100 is not the end."""

    @property
    def unnamed(self) -> bool:
        """Whether the Butler is at work on a task that is not known."""
        return self.active and not self.running

    @classmethod
    def observe(
        cls, tasks: Mapping[str, ButlerTask], activities: Iterable[Activity]
    ) -> Self:
        """Return what a server's activities say, given its tasks by name."""
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


def _is_butler(activity: Activity) -> bool:
    return (
        activity.type == _PARENT_TYPE
        or activity.type.startswith(f"{_PARENT_TYPE}.")
        or activity.title == _PARENT_TITLE
    )
