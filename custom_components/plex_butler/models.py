"""What the coordinator hands to the entities."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from .plex import ButlerTask, Maintenance, Run, Setting


class TaskStatus(StrEnum):
    """What a task is doing, as far as it can be known."""

    DISABLED = "disabled"
    IDLE = "idle"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerData:
    """The Butler at one moment."""

    tasks: Mapping[str, ButlerTask]
    maintenance: Maintenance
    last_started: Mapping[str, datetime]
    last_finished: Mapping[str, datetime]
    current_runs: Mapping[str, Run]
    """The runs that go on, by task."""
    last_runs: Mapping[str, Run]
    """The last run of each task that ended."""
    stopping: frozenset[str]
    settings: Mapping[str, Setting] | None
    """The Butler's settings by id; None while they cannot be read."""

    def status(self, name: str) -> TaskStatus | None:
        """Return what a listed task is doing; None when the server does not say."""
        if name in self.maintenance.running:
            if name in self.stopping:
                return TaskStatus.STOPPING
            return TaskStatus.RUNNING
        enabled = self.tasks[name].enabled
        if enabled is None:
            return None
        return TaskStatus.IDLE if enabled else TaskStatus.DISABLED

    def without_progress(self) -> Self:
        """Return the same, as if the progress were not known."""
        return replace(self, maintenance=replace(self.maintenance, progress=None))
