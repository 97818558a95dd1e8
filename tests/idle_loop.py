"""An event loop that knows when nothing more happens before time passes."""

import asyncio
from collections.abc import Callable
from math import nextafter
from selectors import DefaultSelector, SelectorKey
from typing import Any, override

# How long the network of this machine may take to deliver what was sent (seconds).
DELIVERY = 0.002


class IdleLoop(asyncio.SelectorEventLoop):
    """An event loop that can be waited for until it is idle.

    It is when it would sleep: nothing is left to run, nothing arrives, and no thread is
    at work. While a test stops the clock, all is done then that was under way.
    """

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._threads = 0
        super().__init__(_Selector(self._wake))

    async def idle(self) -> None:
        """Wait until the loop is idle."""
        waiting = self.create_future()
        self._waiting.append(waiting)
        await waiting

    @override
    def run_in_executor(self, *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(*args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    @override
    def call_at(self, when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        # asyncio waits for the clock to go beyond it, and that may stand still.
        now = self.time()
        return super().call_at(
            nextafter(now, 0) if when == now else when, *args, **kwargs
        )

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._threads -= 1

    def _wake(self, arrived: Callable[[], Any]) -> Any:
        """Return what has arrived, or wake those who wait for the loop to be idle."""
        if not self._waiting or self._threads:
            return None
        if events := arrived():
            return events
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()
        return []


class _Selector(DefaultSelector):
    """Asks, before it sleeps, whether somebody waits for that."""

    def __init__(self, wake: Callable[[Callable[[], Any]], Any]) -> None:
        super().__init__()
        self._wake = wake

    @override
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None or timeout > 0:
            events = self._wake(lambda: super(_Selector, self).select(DELIVERY))
            if events is not None:
                return events
        return super().select(timeout)
