"""What a running Butler looks like from outside: the server's activities."""

from enum import Enum, auto
from typing import Any

from .butler import Butler, Run

PARENT_TITLE = "Butler tasks"
BUTLER_TYPE = "butler"
INDETERMINATE = -1
OWNER = 1


class RunShape(Enum):
    """How much of a run clients see; nobody knows which of these Plex shows."""

    PARENT_ONLY = auto()
    """One activity for the whole run, without a hint of the task at work."""
    SUBTITLE = auto()
    """The same, its subtitle being the title of the task that began last."""
    SUB_ACTIVITIES = auto()
    """One more activity for each running task, its title being the task's name."""


def butler_activities(
    butler: Butler, shape: RunShape, title: str | None = None
) -> list[dict[str, Any]]:
    """Return the activities of a run, none when there is no run."""
    if butler.session is None:
        return []
    runs = list(butler.running.values())
    subtitle = runs[-1].task.title if runs and shape is RunShape.SUBTITLE else ""
    parent = _activity(butler.session, title or PARENT_TITLE, subtitle, butler.progress)
    if shape is not RunShape.SUB_ACTIVITIES:
        return [parent]
    return [parent, *map(_sub_activity, runs)]


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
