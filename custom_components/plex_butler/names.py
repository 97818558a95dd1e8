"""Titles and descriptions of tasks, where the server gives none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
import re

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN
from .plex import ButlerTask

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PREFIX = "ButlerTask"


def title_from_name(name: str) -> str:
    """Return the words of a name: "Process assets" for ProcessAssets."""
    first, *others = _BOUNDARY.split(name.removeprefix(_PREFIX) or name)
    return " ".join(
        [first, *(word if word.isupper() else word.lower() for word in others)]
    )


def translation_key(name: str) -> str:
    """Return the key of a task's texts: backup_database for BackupDatabase."""
    return "_".join(_BOUNDARY.split(name)).lower()


def complete_tasks(
    hass: HomeAssistant, tasks: Mapping[str, ButlerTask]
) -> dict[str, ButlerTask]:
    """Return the tasks, each with a title of its own.

    Known tasks also have a description. A title of the server that two tasks share is
    followed by the task's name.
    """

    def text(category: str, key: str) -> str | None:
        texts = async_get_cached_translations(
            hass, hass.config.language, category, DOMAIN
        )
        return texts.get(f"component.{DOMAIN}.{category}.{key}")

    completed = {}
    for name, task in tasks.items():
        key = translation_key(name)
        title = task.title or text("device", f"{key}.name") or title_from_name(name)
        description = task.description or text("common", f"description_{key}")
        completed[name] = replace(task, title=title, description=description)
    count = Counter(task.title for task in completed.values())
    return {
        name: task
        if count[task.title] == 1
        else replace(task, title=f"{task.title} ({name})")
        for name, task in completed.items()
    }
