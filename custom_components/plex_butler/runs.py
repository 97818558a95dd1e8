"""Waiting for a task that was started to come to its end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

from homeassistant.exceptions import HomeAssistantError

from .plex import Run

type _Inbox = asyncio.Queue[Run | HomeAssistantError]


class RunResult(StrEnum):
    """How waiting for a task ended."""

    FINISHED = "finished"
    ALREADY_RUNNING = "already_running"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"


def outcome(result: RunResult, run: Run | None) -> dict[str, Any]:
    """Return what an action tells of a run; None for what is not known."""
    return {
        "result": result,
        "started": run.started.isoformat() if run and run.started else None,
        "finished": run.finished.isoformat() if run and run.finished else None,
        "duration": run.duration if run else None,
        "observed": run.observed if run else False,
    }


class Waiters:
    """Those who wait for the end of a run."""

    def __init__(self) -> None:
        """Start with none."""
        self._inboxes: list[tuple[str, _Inbox]] = []

    @contextmanager
    def wait_for(self, name: str) -> Iterator[_Inbox]:
        """Yield where the ended runs of a task arrive, from now on."""
        entry: tuple[str, _Inbox] = (name, asyncio.Queue())
        self._inboxes.append(entry)
        try:
            yield entry[1]
        finally:
            self._inboxes.remove(entry)

    def tell(self, run: Run) -> None:
        """Tell those who wait for it of a run that has ended."""
        for name, inbox in self._inboxes:
            if name == run.name:
                inbox.put_nowait(run)

    def fail(self, error: HomeAssistantError) -> None:
        """Tell all that there is nothing to wait for any more."""
        for _, inbox in self._inboxes:
            inbox.put_nowait(error)


async def ended(inbox: _Inbox, since: datetime | None) -> Run:
    """Return the first run to end, but for one that began before a moment."""
    while True:
        run = await inbox.get()
        if isinstance(run, HomeAssistantError):
            raise run
        if since is None or run.started is None or run.started >= since:
            return run
