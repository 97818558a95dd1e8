"""A watch that is told what happened at so many seconds, for its tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from custom_components.plex_butler.plex import (
    Activity,
    ActivityEvent,
    ButlerTask,
    ButlerWatch,
    Run,
)
from custom_components.plex_butler.plex.events import ActivityChange

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
CREDITS = "ButlerTaskGenerateCreditsMarkers"
TASKS = {
    name: ButlerTask(
        name=name,
        title=title,
        description="",
        interval=1,
        schedule_randomized=False,
        enabled=True,
    )
    for name, title in (
        (BACKUP, "Backup Database"),
        (OPTIMIZE, "Optimize Database"),
        (CREDITS, "Generate Credits Markers"),
    )
}
_EPOCH = datetime(2026, 11, 23, 3, tzinfo=UTC)

type Told = tuple[str, float | None, float | None]
"""A run's name, and the seconds it started and finished at."""


def at(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def seconds(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - _EPOCH).total_seconds()


def told(runs: list[Run]) -> list[Told]:
    return [(run.name, seconds(run.started), seconds(run.finished)) for run in runs]


class Watching:
    """A watch, and all it is told, at so many seconds."""

    def __init__(self) -> None:
        self.watch = ButlerWatch()

    @property
    def running(self) -> list[str]:
        return sorted(self.watch.maintenance.running)

    @property
    def last(self) -> list[Told]:
        """The last run of each task that has ended, in that order."""
        return told([*self.watch.last_runs.values()])

    @property
    def unnamed(self) -> bool:
        return self.watch.maintenance.unnamed

    @property
    def stopping(self) -> list[str]:
        return sorted(self.watch.maintenance.stopping)

    @property
    def active(self) -> bool:
        return self.watch.maintenance.active

    def read(
        self,
        begun: float,
        *activities: Activity,
        now: float | None = None,
        tasks: Mapping[str, ButlerTask] = TASKS,
    ) -> list[Told]:
        end = at(begun if now is None else now)
        return told(self.watch.read(tasks, activities, at(begun), end))

    def hear(self, change: ActivityChange, now: float, activity: Activity) -> list[Run]:
        return self.watch.hear(
            [ActivityEvent(change=change, activity=activity)], at(now)
        )

    def started(self, now: float, activity: Activity) -> list[Told]:
        return told(self.hear(ActivityChange.STARTED, now, activity))

    def updated(self, now: float, activity: Activity) -> list[Told]:
        return told(self.hear(ActivityChange.UPDATED, now, activity))

    def ended(self, now: float, activity: Activity) -> list[Told]:
        return told(self.hear(ActivityChange.ENDED, now, activity))

    @property
    def due(self) -> float | None:
        return seconds(self.watch.due)

    def look(self, now: float) -> list[Told]:
        return told(self.watch.look(at(now)))

    def stream(self, now: float, *, up: bool = True) -> None:
        self.watch.stream(up=up, now=at(now))

    def frame(self, now: float, *events: tuple[ActivityChange, Activity]) -> list[Told]:
        return told(
            self.watch.hear(
                (ActivityEvent(change=c, activity=a) for c, a in events), at(now)
            )
        )

    def start(
        self, name: str, requested: float, now: float, *, started: bool = True
    ) -> list[Told]:
        return told(
            self.watch.confirm_start(name, at(requested), at(now), started=started)
        )

    def stop(self, name: str, now: float, *, was_running: bool = True) -> list[Told]:
        with self.watch.stopping([name]):
            pass
        return told(self.watch.confirm_stop(name, at(now), was_running=was_running))


def polled() -> Watching:
    """Return a watch that has read an idle server, at 0."""
    watching = Watching()
    assert watching.read(0) == []
    return watching


def live() -> Watching:
    """Return the same, with the stream up since then."""
    watching = Watching()
    watching.stream(0)
    assert watching.read(0) == []
    return watching


def parent(
    uuid: str = "parent",
    *,
    title: str = "Butler tasks",
    subtitle: str = "",
    progress: float | None = None,
) -> Activity:
    return Activity(
        uuid=uuid, type="butler", title=title, subtitle=subtitle, progress=progress
    )


def sub(name: str, uuid: str | None = None) -> Activity:
    return parent(f"{name}'s" if uuid is None else uuid, title=name)


def work(kind: str, uuid: str = "work") -> Activity:
    return Activity(uuid=uuid, type=kind, title="A film", subtitle="", progress=1.0)
