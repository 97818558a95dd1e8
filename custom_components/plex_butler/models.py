"""Data that the coordinators give to the entities."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from .plex import ButlerTask, Maintenance


class TaskStatus(StrEnum):
    """Status of a task, as far as it can be known."""

    DISABLED = "disabled"
    IDLE = "idle"
    RUNNING = "running"


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerData:
    """The Butler at one moment."""

    tasks: Mapping[str, ButlerTask]
    """The tasks that the server lists, by name."""
    maintenance: Maintenance
    last_started: Mapping[str, datetime]
    last_finished: Mapping[str, datetime]

    def status(self, name: str) -> TaskStatus | None:
        """Return the status of a listed task; None if the server does not report it."""
        if name in self.maintenance.running:
            return TaskStatus.RUNNING
        enabled = self.tasks[name].enabled
        if enabled is None:
            return None
        return TaskStatus.IDLE if enabled else TaskStatus.DISABLED

    def without_progress(self) -> Self:
        """Return the same data with unknown progress."""
        return replace(self, maintenance=replace(self.maintenance, progress=None))
