"""Data that the coordinators give to the entities."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from .names import title_from_name
from .plex import ButlerTask, Maintenance, Run


class TaskStatus(StrEnum):
    """Status of a task, as far as it can be known."""

    DISABLED = "disabled"
    IDLE = "idle"
    RUNNING = "running"
    STOPPING = "stopping"
    """Asked to stop from here, and not yet seen to have ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerData:
    """The Butler at one moment."""

    tasks: Mapping[str, ButlerTask]
    """The tasks that the server lists, by name. Each has a title."""
    maintenance: Maintenance
    current_runs: Mapping[str, Run]
    """The runs that go on, by the task's name."""
    last_runs: Mapping[str, Run]
    """The last run of each task that has ended, by name."""

    def title(self, name: str) -> str:
        """Return the title of a task, which need not be listed any more."""
        task = self.tasks.get(name)
        return (task.title if task else None) or title_from_name(name)

    def status(self, name: str) -> TaskStatus | None:
        """Return the status of a listed task; None if the server does not report it."""
        if name in self.maintenance.stopping:
            return TaskStatus.STOPPING
        if name in self.maintenance.running:
            return TaskStatus.RUNNING
        enabled = self.tasks[name].enabled
        if enabled is None:
            return None
        return TaskStatus.IDLE if enabled else TaskStatus.DISABLED

    def without_progress(self) -> Self:
        """Return the same data with unknown progress."""
        return replace(self, maintenance=replace(self.maintenance, progress=None))

    def with_running(self, running: frozenset[str]) -> Self:
        """Return the same data with other running tasks."""
        maintenance = replace(
            self.maintenance,
            active=self.maintenance.active or bool(running),
            running=running,
            stopping=self.maintenance.stopping & running,
            unnamed=False,
        )
        return replace(self, maintenance=maintenance)
