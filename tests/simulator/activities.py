"""What a running Butler looks like from outside: the server's activities."""

from enum import Enum, auto
from typing import Any

from .butler import Butler, Run

PARENT_TITLE = "Butler tasks"
BUTLER_TYPE = "butler"
INDETERMINATE = -1
DONE = 100
OWNER = 1


class RunShape(Enum):
    """What tells of the task at work; nobody knows which of these Plex shows."""

    PARENT_ONLY = auto()
    """Nothing: there is one activity for the whole run."""
    SUBTITLE = auto()
    """The activity's subtitle: the title of the task that began last."""
    SUB_ACTIVITIES = auto()
    """One more activity for each running task, its title being the task's name."""
    BOTH = auto()

    @property
    def subtitle(self) -> bool:
        """Whether the row's subtitle names a task."""
        return self in {RunShape.SUBTITLE, RunShape.BOTH}

    @property
    def sub_activities(self) -> bool:
        """Whether there is an activity for each running task."""
        return self in {RunShape.SUB_ACTIVITIES, RunShape.BOTH}


def butler_activities(
    butler: Butler, shape: RunShape, title: str | None = None
) -> list[dict[str, Any]]:
    """Return the Butler's row and its sub-activities, none when there is no row."""
    if butler.row is None:
        return []
    runs = list(butler.running.values())
    subtitle = _subtitle(butler) if shape.subtitle else ""
    parent = _activity(butler.row, title or PARENT_TITLE, subtitle, butler.progress)
    if not shape.sub_activities:
        return [parent]
    return [parent, *map(_sub_activity, runs)]


def _subtitle(butler: Butler) -> str:
    """Return the title of the task at work, or of the last one when all is done."""
    if butler.running:
        run = list(butler.running.values())[-1]
        return run.task.title or run.name
    return butler.last_title if butler.progress == DONE else ""


def _sub_activity(run: Run) -> dict[str, Any]:
    # A sub-activity's type is unknown; the parent's is the only one recorded.
    return _activity(run.uuid, run.name, "", INDETERMINATE)


def _activity(uuid: str, title: str, subtitle: str, progress: float) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": BUTLER_TYPE,
        # Whether Plex lets anybody cancel the Butler this way is unknown.
        "cancellable": False,
        "userID": OWNER,
        "title": title,
        "subtitle": subtitle,
        "progress": int(progress) if progress == int(progress) else progress,
        "Context": {},
    }
