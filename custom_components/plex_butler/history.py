"""History of the runs of a server's tasks, kept over restarts."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .plex import Run
from .runs import RunFeed

MAX_AGE = timedelta(days=90)
MAX_RUNS = 2000
# A crash loses the changes of the last seconds.
SAVE_DELAY = 30

type RunListener = Callable[[RecordedRun], None]


class RunOutcome(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """Its end was missed, because of an outage or a restart."""


class RunSource(StrEnum):
    """What started a run."""

    HOME_ASSISTANT = "home_assistant"
    SERVER = "server"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRun:
    """A run of a task in the history."""

    name: str
    started: datetime | None
    """None if it was running already when it was first seen."""
    finished: datetime | None = None
    """None while it is running. If its end was missed, when that was noticed."""
    duration: float | None = None
    """Seconds; None if its start or its end was not seen."""
    result: RunOutcome | None = None
    """None while it is running."""
    observed: bool = False
    """Whether the server showed it."""
    source: RunSource = RunSource.SERVER

    @property
    def first_seen(self) -> datetime:
        """When it was first seen: at its end, if its start was missed."""
        moment = self.started or self.finished
        if moment is None:
            raise ValueError("neither its start nor its end is known")
        return moment

    def cut_off(self, noticed: datetime) -> Self:
        """Return the same run with an end that was missed."""
        return replace(self, finished=noticed, result=RunOutcome.UNKNOWN)

    def as_dict(self) -> dict[str, Any]:
        """Return the run as JSON can hold it, for storage and actions."""
        return {
            "name": self.name,
            "started": self.started.isoformat() if self.started else None,
            "finished": self.finished.isoformat() if self.finished else None,
            "duration": self.duration,
            "result": self.result.value if self.result else None,
            "observed": self.observed,
            "source": self.source.value,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a stored run.

        Raises KeyError, TypeError, ValueError or OverflowError if it is invalid.
        """
        duration, result = data["duration"], data["result"]
        run = cls(
            name=data["name"],
            started=_moment(data["started"]),
            finished=_moment(data["finished"]),
            duration=None if duration is None else float(duration),
            result=None if result is None else RunOutcome(result),
            observed=bool(data["observed"]),
            source=RunSource(data["source"]),
        )
        if not isinstance(run.name, str):
            raise TypeError("the name is not a text")
        if (run.finished is None) is not (run.result is None) or not run.first_seen:
            raise ValueError("a run has a result if, and only if, it has ended")
        return run


class RunHistory:
    """The runs that began or ended while the server was watched."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Initialize the history of a config entry."""
        self._entry = entry
        self._store = _store(hass, entry.entry_id)
        self._unsaved = False
        self._running: dict[str, RecordedRun] = {}
        # In the order in which they ended.
        self._ended: deque[RecordedRun] = deque()
        self._last: dict[str, RecordedRun] = {}
        self._listeners: list[RunListener] = []

    async def async_load(self, feed: RunFeed, running: Collection[str]) -> None:
        """Load the history, and record the runs of a feed until the entry is unloaded.

        `running` are the tasks that are running now. All others ended unseen.
        """
        now = dt_util.utcnow()
        stored = await self._async_read()
        for run in sorted(stored, key=lambda run: run.finished or now):
            if run.finished:
                self._append(run)
            else:
                self._running[run.name] = run
        for run in [run for run in self._running.values() if run.name not in running]:
            del self._running[run.name]
            self._append(run.cut_off(now))
            self._schedule_save()
        self._entry.async_on_unload(self._async_save)
        self._entry.async_on_unload(feed.subscribe(self._record))

    async def _async_read(self) -> list[RecordedRun]:
        """Return the stored runs, without those that cannot be read."""
        try:
            stored = await self._store.async_load()
            rows = list(stored["runs"]) if stored else []
        except Exception as err:  # noqa: BLE001 -- whatever is wrong with the file, the server is set up
            LOGGER.warning(
                "The history of %s cannot be read, and starts empty: %r",
                self._entry.title,
                err,
            )
            return []
        runs = []
        for row in rows:
            try:
                runs.append(RecordedRun.from_dict(row))
            except KeyError, TypeError, ValueError, OverflowError:
                continue
        if invalid := len(rows) - len(runs):
            LOGGER.warning(
                "%s runs in the history of %s cannot be read, and are left out",
                invalid,
                self._entry.title,
            )
        return runs

    @callback
    def subscribe(self, listener: RunListener) -> CALLBACK_TYPE:
        """Call a listener for every run that begins or ends, once it is recorded."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def last(self, name: str) -> RecordedRun | None:
        """Return the run of a task that ended last."""
        return self._last.get(name)

    def running(self) -> list[RecordedRun]:
        """Return the runs that have not ended, the newest first."""
        return [*reversed(self._running.values())]

    def between(self, since: datetime, until: datetime) -> list[RecordedRun]:
        """Return the runs that were under way in a time, the newest first."""
        return [
            run
            for run in (*self.running(), *reversed(self._ended))
            if run.first_seen < until and (not run.finished or run.finished >= since)
        ]

    @callback
    def _record(self, run: Run) -> None:
        """Record that a run began or ended."""
        known = self._running.pop(run.name, None)
        # An end without a start belongs to the known run, with a gap in between.
        if known and not (run.finished and run.started in {known.started, None}):
            self._change(known.cut_off(run.started or dt_util.utcnow()))
            known = None
        record = known or RecordedRun(name=run.name, started=run.started)
        source = RunSource.HOME_ASSISTANT if run.requested else record.source
        record = replace(record, observed=run.observed, source=source)
        if run.finished:
            result = RunOutcome.FINISHED
            if run.stopped:
                result = RunOutcome.STOPPED
            elif known and run.started is None:
                result = RunOutcome.UNKNOWN
            record = replace(
                record, finished=run.finished, duration=run.duration, result=result
            )
        self._change(record)

    @callback
    def _change(self, run: RecordedRun) -> None:
        """Add a run, and notify the listeners."""
        if run.finished:
            self._append(run)
        else:
            self._running[run.name] = run
        self._schedule_save()
        for listener in list(self._listeners):
            listener(run)

    def _append(self, run: RecordedRun) -> None:
        """Add a run that has ended, and drop those that are too old or too many."""
        self._ended.append(run)
        self._last[run.name] = run
        oldest = dt_util.utcnow() - MAX_AGE
        while self._ended:
            first = self._ended[0]
            if len(self._ended) <= MAX_RUNS and (first.finished or oldest) >= oldest:
                break
            self._ended.popleft()
            if self._last[first.name] is first:
                del self._last[first.name]

    @callback
    def _schedule_save(self) -> None:
        """Save soon. Asking the store again would put off what it is about to save."""
        if not self._unsaved:
            self._unsaved = True
            self._store.async_delay_save(self._data, SAVE_DELAY)

    @callback
    def _data(self) -> dict[str, Any]:
        """Return what to save now."""
        self._unsaved = False
        runs = (*self._ended, *self._running.values())
        return {"runs": [run.as_dict() for run in runs]}

    async def _async_save(self) -> None:
        """Save at once what is not saved yet."""
        if self._unsaved:
            await self._store.async_save(self._data())


async def async_remove_history(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the history of a config entry."""
    await _store(hass, entry_id).async_remove()


def _store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(hass, 1, f"{DOMAIN}.history.{entry_id}", atomic_writes=True)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).astimezone(UTC)
