"""Requests that start and stop the tasks of a server."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from homeassistant.core import Context
from homeassistant.util import dt as dt_util

from .plex import ButlerWatch, PlexServer, Run, StartResult, StopResult
from .runs import RunResult, run_response, wait_for_end

if TYPE_CHECKING:
    from .coordinator import ButlerCoordinator


class ButlerCommands:
    """Starts and stops tasks, and shows at once what that changes."""

    def __init__(
        self, butler: ButlerCoordinator, server: PlexServer, watch: ButlerWatch
    ) -> None:
        """Initialize the commands of a server."""
        # Of the last request about a task, until it has ended.
        self.contexts: dict[str, Context | None] = {}
        self._butler = butler
        self._server = server
        self._watch = watch

    async def start_task(self, name: str, context: Context | None) -> StartResult:
        """Start a task."""
        requested = dt_util.utcnow()
        window = self._butler.config_entry.runtime_data.settings.window
        start = self._butler.observations.start(name, window, requested)
        with self._attribute([name], context):
            with self._watch.starting(name):
                async with self._command():
                    start.result = result = await self._server.start_task(name)
            started = result is StartResult.STARTED
            self._butler.publish(
                self._watch.confirm_start(
                    name, requested, dt_util.utcnow(), started=started
                )
            )
        return result

    async def run_task(
        self,
        name: str,
        context: Context | None,
        timeout: float,  # noqa: ASYNC109 -- a timeout of the user's, which has a result
    ) -> dict[str, Any]:
        """Start a task, wait until it ends, and return the response of the action."""
        requested = dt_util.utcnow()
        with self._butler.runs.queue() as queue:
            started = await self.start_task(name, context) is StartResult.STARTED
            since = requested if started else None
            try:
                async with asyncio.timeout(timeout):
                    run = await wait_for_end(queue, name, since)
            except TimeoutError:
                run = Run(name=name, started=since)
                return run_response(RunResult.TIMED_OUT, run)
        if run.stopped:
            return run_response(RunResult.STOPPED, run)
        result = RunResult.FINISHED if started else RunResult.ALREADY_RUNNING
        return run_response(result, run)

    async def stop_task(self, name: str, context: Context | None) -> StopResult:
        """Stop a task. Plex finishes the item it is working on first."""
        with self._attribute([name], context):
            async with self._stop_command([name]):
                result = await self._server.stop_task(name)
            running = result is StopResult.STOPPED
            self._butler.publish(
                self._watch.confirm_stop(name, dt_util.utcnow(), was_running=running)
            )
        return result

    async def start_all_tasks(self) -> None:
        """Start every task that is enabled and due."""
        async with self._command():
            await self._server.start_all_tasks()

    async def stop_all_tasks(self, context: Context | None) -> None:
        """Stop all running tasks and empty the queue."""
        running = self._watch.maintenance.running
        with self._attribute(running, context):
            async with self._stop_command(running):
                await self._server.stop_all_tasks()
        self._watch.confirm_stop_all(dt_util.utcnow())

    @contextmanager
    def _attribute(
        self, names: Collection[str], context: Context | None
    ) -> Iterator[None]:
        """Attribute how tasks change to the context of a request, unless it fails."""
        before = {name: self.contexts.get(name) for name in names}
        self.contexts.update(dict.fromkeys(names, context))
        try:
            yield
        except BaseException:
            self.contexts.update(before)
            raise
        finally:
            self.drop_contexts(names)

    def drop_contexts(self, names: Iterable[str]) -> None:
        """Forget the requests about tasks that are not running."""
        for name in names:
            if name not in self._watch.maintenance.running:
                self.contexts.pop(name, None)

    @asynccontextmanager
    async def _command(self) -> AsyncIterator[None]:
        """Translate the errors of a request, and refresh after it, even if it failed."""
        try:
            with self._butler.action_errors():
                yield
        finally:
            self._butler.poll_faster()
            self._butler.refresh.soon()

    @asynccontextmanager
    async def _stop_command(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Show tasks as stopping from before the request, unless it fails."""
        try:
            with self._watch.stopping(names):
                self._butler.publish()
                async with self._command():
                    yield
        finally:
            self._butler.publish()
