"""Report runs of tasks to listeners, and wait for the end of a run."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed

from .plex import Run

# Each is written to all entities of a server.
MAX_INTERMEDIATE = 3

type RunQueue = asyncio.Queue[Run | HomeAssistantError]


class RunResult(StrEnum):
    """Result of an action that waits for a run."""

    FINISHED = "finished"
    ALREADY_RUNNING = "already_running"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"


class RunFeed:
    """The runs that begin and end, for everything that subscribes."""

    def __init__(self) -> None:
        """Initialize without subscribers."""
        self._listeners: list[Callable[[Run], None]] = []
        self._queues: list[RunQueue] = []

    @callback
    def subscribe(self, listener: Callable[[Run], None]) -> CALLBACK_TYPE:
        """Call a listener for every run that begins or ends; return the unsubscriber."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def notify(self, runs: Iterable[Run]) -> None:
        """Report runs that began (`finished` is None) or ended."""
        for run in runs:
            for listener in list(self._listeners):
                listener(run)

    @contextmanager
    def queue(self) -> Iterator[RunQueue]:
        """Yield a queue that receives the runs, or an error that ends all waiting."""
        queue: RunQueue = asyncio.Queue()
        unsubscribe = self.subscribe(queue.put_nowait)
        self._queues.append(queue)
        try:
            yield queue
        finally:
            self._queues.remove(queue)
            unsubscribe()

    @callback
    def fail(self, error: HomeAssistantError) -> None:
        """Raise an error wherever the end of a run is waited for."""
        for queue in self._queues:
            queue.put_nowait(error)


def running_between(
    running: frozenset[str], runs: Iterable[Run]
) -> Iterator[frozenset[str]]:
    """Yield the running tasks before the last change of tasks that changed repeatedly.

    `running` are the tasks that were running before the runs began or ended. Of many
    changes only the last few are yielded.
    """
    rounds: list[list[Run]] = []
    changes: Counter[str] = Counter()
    for run in runs:
        if changes[run.name] == len(rounds):
            rounds.append([])
        rounds[changes[run.name]].append(run)
        changes[run.name] += 1
    states = []
    for changed in rounds[:-1]:
        running -= {run.name for run in changed if run.finished}
        running |= {run.name for run in changed if not run.finished}
        states.append(running)
    yield from states[-MAX_INTERMEDIATE:]


async def wait_for_end(queue: RunQueue, name: str, since: datetime | None) -> Run:
    """Return the next run of a task to end, ignoring runs that began before `since`.

    Call it when the server has answered the request to start the task. Raises
    HomeAssistantError when the server becomes unavailable.
    """
    before = queue.qsize()
    while True:
        run = await queue.get()
        before -= 1
        is_earlier = before >= 0
        if isinstance(run, UpdateFailed) and is_earlier:
            continue  # The server has answered since.
        if isinstance(run, HomeAssistantError):
            raise run
        if run.name != name or run.finished is None:
            continue
        # If a run that began since has ended so early, its start is known.
        if since is None or (run.started >= since if run.started else not is_earlier):
            return run


def run_response(result: RunResult, run: Run) -> dict[str, Any]:
    """Return the response of an action about a run; unknown values are None."""
    return {
        "result": result.value,
        "started": run.started.isoformat() if run.started else None,
        "finished": run.finished.isoformat() if run.finished else None,
        "duration": run.duration,
        "observed": run.observed,
    }
