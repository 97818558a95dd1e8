"""Data that the coordinators give to the entities."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
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


class Aspect(Enum):
    """What listeners of a server's Butler can be about, beside single tasks."""

    TASKS = auto()
    """Which tasks are listed, and what is known of any of them."""
    RUNNING = auto()
    """Whether the Butler is at work, and on which tasks."""
    PROGRESS = auto()


type Topic = Aspect | str
"""What a listener is about. A text is the name of a task: itself and its status."""


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

    def status(self, name: str) -> TaskStatus:
        """Return the status of a listed task.

        If the server does not report whether it is enabled, it is still known that it
        does not run.
        """
        if name in self.maintenance.stopping:
            return TaskStatus.STOPPING
        if name in self.maintenance.running:
            return TaskStatus.RUNNING
        disabled = self.tasks[name].enabled is False
        return TaskStatus.DISABLED if disabled else TaskStatus.IDLE

    def with_progress(self, progress: float | None) -> Self:
        """Return the same data with another progress."""
        return replace(self, maintenance=replace(self.maintenance, progress=progress))

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

    def changes(self, before: ButlerData) -> set[Topic]:
        """Return what has changed since earlier data."""
        old, new = before.maintenance, self.maintenance
        topics: set[Topic] = {*(old.running ^ new.running)}
        topics |= old.stopping ^ new.stopping
        if old.progress != new.progress:
            topics.add(Aspect.PROGRESS)
        if replace(old, progress=new.progress) != new:
            topics.add(Aspect.RUNNING)
        if before.tasks != self.tasks:
            topics.add(Aspect.TASKS)
            topics |= {
                name
                for name in before.tasks.keys() | self.tasks.keys()
                if before.tasks.get(name) != self.tasks.get(name)
            }
        return topics
