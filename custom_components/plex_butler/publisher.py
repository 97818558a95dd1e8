"""Write the states of a server, and report the runs that changed them."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE, callback

from .const import FLOOD_BURST, FLOOD_INTERVAL, FLOOD_RUNS, PROGRESS_INTERVAL
from .helpers import Timer
from .models import ButlerData, Topic
from .plex import Run
from .runs import RunFeed, running_between

if TYPE_CHECKING:
    from .coordinator import ButlerCoordinator


class Publisher:
    """Decides when states are written, and which.

    It calls only the listeners that a change is about. Changes of progress alone are
    delayed, and so are all changes while a server pushes very many.
    """

    def __init__(
        self, butler: ButlerCoordinator, call_listeners: Callable[[], None]
    ) -> None:
        """Initialize; `call_listeners` calls all listeners of the coordinator."""
        self.runs = RunFeed()
        self._butler = butler
        self._call_listeners = call_listeners
        self._timer = Timer(butler.hass, self.publish)
        # Runs that are reported as soon as the states are written.
        self._unreported: list[Run] = []
        # What was written last: the data, whether they were available, and when (time
        # of the event loop).
        self._written: ButlerData | None = None
        self._written_available = False
        self._written_at = 0.0
        # Up to when the writes so far would last at one per FLOOD_INTERVAL (time of the
        # event loop).
        self._flood_until = 0.0
        # What the write is about that goes on; None for everything.
        self._topics: set[Topic] | None = None

    @callback
    def filtered(
        self, listener: CALLBACK_TYPE, topics: Collection[Topic] | None
    ) -> CALLBACK_TYPE:
        """Return a listener that ignores what is about none of its topics.

        Without topics (None), it ignores nothing. No listener ignores that the server
        becomes available or unavailable.
        """
        return partial(self._call, listener, topics)

    @callback
    def _call(self, listener: CALLBACK_TYPE, topics: Collection[Topic] | None) -> None:
        changed = self._topics
        if topics is None or changed is None or not changed.isdisjoint(topics):
            listener()

    @callback
    def add_runs(self, runs: Iterable[Run]) -> None:
        """Report runs that began or ended with the next write."""
        self._unreported += runs

    @callback
    def publish_pushed(self, runs: Iterable[Run]) -> None:
        """Publish what the server pushed, after a delay if there were many writes."""
        self.add_runs(runs)
        self._unreported = self._unreported[-FLOOD_RUNS:]
        self.publish(self._flood_until - FLOOD_BURST - self._butler.hass.loop.time())

    @callback
    def publish(self, delay: float = 0) -> None:
        """Update entities, after a delay if only the progress changed recently."""
        # While polls fail, no state changes, but runs are reported: later they are old.
        before = self._butler.data
        data = self._butler.snapshot() if self._butler.last_update_success else before
        if data == before and not self._unreported:
            return
        progress = before.maintenance.progress
        if data.with_progress(progress) == before and not self._unreported:
            delay = self._written_at + PROGRESS_INTERVAL - self._butler.hass.loop.time()
        if delay > 0:
            self._timer.schedule(delay)
            return
        # Not async_set_updated_data, which would put off the next poll.
        self._butler.data = data
        self._butler.async_update_listeners()

    @callback
    def publish_delayed(self) -> None:
        """Publish now what is delayed, if anything is."""
        if self._unreported:
            self.publish()

    @callback
    def write(self) -> list[Run]:
        """Write the states, and report and return the runs that changed them."""
        self._timer.cancel()
        self._written_at = now = self._butler.hass.loop.time()
        self._flood_until = max(self._flood_until, now) + FLOOD_INTERVAL
        runs, self._unreported = self._unreported, []
        if final := self._butler.data:
            # A task that started and ended in one go is written as running first.
            before = self._written.maintenance.running if self._written else frozenset()
            for running in running_between(before, runs):
                self._write(final.with_running(running))
            available = self._butler.last_update_success
            self._write(self._butler.snapshot() if available else final)
        self.runs.notify(runs)
        return runs

    @callback
    def _write(self, data: ButlerData) -> None:
        """Call the listeners that a change of the data is about.

        An automation may act on a state that is written, which leads to another write
        before this one has ended.
        """
        before, available = self._written, self._butler.last_update_success
        same = available is self._written_available
        outer, self._topics = (
            self._topics,
            data.changes(before) if before and same else None,
        )
        self._written, self._written_available = data, available
        self._butler.data = data
        self._call_listeners()
        self._topics = outer

    @callback
    def shut_down(self) -> None:
        """Publish nothing later."""
        self._timer.shut_down()
