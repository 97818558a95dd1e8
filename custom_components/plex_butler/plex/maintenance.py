"""The state of the Butler, and how activities show it.

The server never says which task is running. Its activities do, in more than one way: a
run is one parent activity, whose subtitle or sub-activities may name the running task.
Nothing here does I/O.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .models import Activity, ButlerTask

_PARENT_TYPE = "butler"
_PARENT_TITLE = "Butler tasks"

# Activities that are the work of a task. They also occur on their own, when media is
# added or a user asks for it, so they count only while the Butler is active and no
# activity names a task.
_HINTS = {
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

    active: bool | None
    """Whether the Butler is at work, on whatever task; None if it is not known."""
    running: frozenset[str]
    """Names of the tasks known to be running."""
    stopping: frozenset[str] = frozenset()
    """Those of them that this client has asked to stop."""
    unnamed: bool = False
    """Whether the Butler is at work on a task that is not known."""
    progress: float | None = None
    """Per cent of all registered work. It can fall, and 100 is not the end."""


class TaskFinder:
    """Finds the tasks of a server in its activities."""

    def __init__(self, tasks: Mapping[str, ButlerTask]) -> None:
        """Initialize with the tasks by name."""
        self.tasks = tasks
        count = Counter(task.title for task in tasks.values())
        # A title that several tasks have names none of them.
        self._names = {
            task.title: name
            for name, task in tasks.items()
            if task.title and count[task.title] == 1
        }
        self._names |= {name: name for name in tasks}

    def find(self, text: str) -> str | None:
        """Return the name of the task whose name or title this is."""
        return self._names.get(text)

    def is_parent(self, activity: Activity) -> bool:
        """Return whether an activity is the Butler's, but none of one task."""
        return _is_butlers(activity) and activity.title not in self._names

    def is_butlers(self, activity: Activity) -> bool:
        """Return whether an activity is the Butler's, or names a task."""
        names = self._names
        return (
            activity.title in names
            or activity.subtitle in names
            or _is_butlers(activity)
        )

    def is_hint(self, activity: Activity) -> bool:
        """Return whether an activity may be the work of a task it does not name."""
        return activity.type in _HINTS

    def observe(self, activities: Iterable[Activity]) -> Maintenance:
        """Return what is shown by activities that are at work."""
        names = self._names
        running: set[str] = set()
        hints: set[str] = set()
        parents = []
        for activity in activities:
            texts = (activity.title, activity.subtitle)
            running.update(names[text] for text in texts if text in names)
            if self.is_parent(activity):
                parents.append(activity)
            elif self.is_hint(activity):
                hints.add(_HINTS[activity.type])
        if parents and not running:
            running = hints & self.tasks.keys()
        return Maintenance(
            active=bool(parents or running),
            running=frozenset(running),
            unnamed=not running and bool(parents),
            progress=parents[0].progress if parents else None,
        )


def _is_butlers(activity: Activity) -> bool:
    return (
        activity.type == _PARENT_TYPE
        or activity.title == _PARENT_TITLE
        or activity.type.startswith(f"{_PARENT_TYPE}.")
    )
