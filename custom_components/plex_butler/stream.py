"""Process the notifications that a server pushes over its websocket."""

import asyncio
from contextlib import aclosing

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .const import LOGGER
from .coordinator import ButlerCoordinator
from .plex import (
    Notifications,
    PlexAuthenticationError,
    PlexForbiddenError,
    PlexServer,
    StreamDown,
    StreamUp,
    listen,
)
from .settings import ButlerSettingsCoordinator

# The server does not accept the token. Only polls decide whether it is invalid.
_REFUSED = (PlexAuthenticationError, PlexForbiddenError)


class ButlerStream:
    """Feeds what a server pushes to its coordinators.

    Polling goes on without it; it only makes states change at once.
    """

    def __init__(
        self,
        server: PlexServer,
        butler: ButlerCoordinator,
        settings: ButlerSettingsCoordinator,
    ) -> None:
        """Initialize the stream."""
        self._server = server
        self._butler = butler
        self._settings = settings
        self._retry = asyncio.Event()
        self._polls_succeed = asyncio.Event()
        self._polls_succeed.set()
        self._failure_logged = False

    @callback
    def async_start(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Process notifications until the entry is unloaded."""
        entry.async_on_unload(
            self._butler.async_add_listener(self._handle_availability, ())
        )
        entry.async_create_background_task(hass, self._run(), f"{entry.title} - stream")

    @callback
    def _handle_availability(self) -> None:
        """Reconnect at once when polls succeed again."""
        if not self._butler.last_update_success:
            self._polls_succeed.clear()
        else:
            self._polls_succeed.set()
            self._retry.set()

    async def _run(self) -> None:
        async with aclosing(listen(self._server, retry=self._retry)) as events:
            async for event in events:
                match event:
                    case Notifications():
                        self._process(event)
                    case StreamUp():
                        self._failure_logged = False
                        self._butler.set_stream(up=True)
                        self._settings.refresh.now()
                    case _:
                        self._butler.set_stream(up=False)
                        self._log(event)
                        if isinstance(event.error, _REFUSED):
                            await self._polls_succeed.wait()

    @callback
    def _process(self, event: Notifications) -> None:
        if event.activities:
            self._butler.process_activities(event.activities)
        if self._settings.changed_elsewhere(event.settings):
            self._settings.refresh.soon()
            # A setting may enable or disable a task.
            self._butler.refresh.soon()

    def _log(self, event: StreamDown) -> None:
        """Log once why there are no live updates."""
        if event.error and not self._failure_logged:
            self._failure_logged = True
            LOGGER.info(
                "No live updates from %s (%s); it is polled instead",
                self._butler.name,
                event.error,
            )
