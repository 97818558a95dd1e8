"""Publishes what is known of a server's Butler: to entities, listeners and who waits."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import override

from yarl import URL

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .const import DOMAIN, IDLE_INTERVAL, LOGGER, PROGRESS_INTERVAL
from .models import ButlerData
from .plex import ButlerWatch, PlexServer, Run
from .runs import Waiters
from .settings import ServerSettings


class ButlerPublisher(DataUpdateCoordinator[ButlerData]):
    """Holds what is known of one server, and tells of it.

    Polls and the stream both end in ButlerWatch; what that makes of them is the data.
    """

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, server: PlexServer
    ) -> None:
        """Initialize the coordinator."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=IDLE_INTERVAL,
            always_update=False,
        )
        self._server = server
        self._watch = ButlerWatch()
        self._waiters = Waiters()
        self._stops: set[str] = set()
        self._run_listeners: list[Callable[[Run], None]] = []
        self._cancel_publish: CALLBACK_TYPE | None = None
        self._settings = ServerSettings(server, self.name, self._publish)

    @property
    def server_url(self) -> URL:
        """The address of the server."""
        return self._server.url

    def _known(self) -> ButlerData:
        return ButlerData(
            tasks=self._watch.tasks,
            maintenance=self._watch.maintenance,
            last_started=self._watch.last_started.copy(),
            last_finished=self._watch.last_finished.copy(),
            current_runs=self._watch.current_runs,
            last_runs=self._watch.last_runs,
            stopping=frozenset(self._stops),
            settings=self._settings.known,
        )

    @callback
    def async_add_run_listener(self, listener: Callable[[Run], None]) -> CALLBACK_TYPE:
        """Call a listener for every run that begins or ends; return how to end that."""
        self._run_listeners.append(listener)
        return lambda: self._run_listeners.remove(listener)

    @callback
    def _take_in(self, runs: list[Run]) -> None:
        """Publish what is known now, and then tell of the runs that began or ended."""
        self._stops.difference_update(run.name for run in runs)
        seen = self._watch.maintenance
        if len(runs) > len({run.name for run in runs}):
            running = self.data.maintenance.running
            for run in runs:
                running = running - {run.name} if run.finished else running | {run.name}
                active = seen.active or bool(running)
                self._watch.maintenance = replace(seen, active=active, running=running)
                self._publish()
            self._watch.maintenance = seen
        self._publish()
        self._report(runs)

    @callback
    def _report(self, runs: list[Run]) -> None:
        for run in runs:
            for listener in self._run_listeners:
                listener(run)
            if run.finished:
                self._waiters.tell(run)

    @callback
    def _publish(self, _now: datetime | None = None) -> None:
        """Write states, but progress alone no more often than anybody can follow."""
        if _now:
            self._cancel_publish = None
        data = self._known()
        if data == self.data or not self.last_update_success:
            return
        only_progress = data.without_progress() == self.data.without_progress()
        if only_progress and self._cancel_publish:
            return
        # Not async_set_updated_data: what is heard does not put off the next poll.
        self.data = data
        self.async_update_listeners()
        if only_progress:
            self._cancel_publish = async_call_later(
                self.hass, PROGRESS_INTERVAL, self._publish
            )

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Let nobody wait for a server that is lost."""
        if isinstance(self.last_exception, HomeAssistantError) and (
            not self.last_update_success
        ):
            self._waiters.fail(self.last_exception)

    @override
    async def async_shutdown(self) -> None:
        """Publish no more; nobody waits for this server any longer."""
        await super().async_shutdown()
        if self._cancel_publish:
            self._cancel_publish()
        self._waiters.fail(
            HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="unloaded",
                translation_placeholders={"server": self.name},
            )
        )
