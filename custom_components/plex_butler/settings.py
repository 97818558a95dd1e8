"""Coordinator of the Butler's settings, which has its own interval."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import tzinfo
from typing import override

from homeassistant.const import CONF_TIME_ZONE, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .const import (
    DOMAIN,
    IDLE_INTERVAL,
    LOGGER,
    REFRESH_DELAY,
    SETTINGS_INTERVAL,
    TOLERATED_FAILURES,
)
from .coordinator import ButlerCoordinator, PlexButlerConfigEntry
from .devices import async_update_name
from .errors import is_temporary, retry_delay
from .helpers import BackgroundRefresh
from .models import Aspect
from .plex import (
    MaintenanceWindow,
    PlexError,
    PlexServer,
    PlexSettingError,
    Setting,
    SettingValue,
    WindowSetting,
    is_butler_setting,
    maintenance_window,
)

type Settings = Mapping[str, Setting]
type SettingValues = Mapping[str, SettingValue]


class ButlerSettingsCoordinator(DataUpdateCoordinator[Settings | None]):
    """Reads and writes the Butler's settings, by their ids.

    The data is None while the settings cannot be read. That is not an error, as the
    tasks do not need them. Listeners are also called when the server becomes
    available or unavailable, or lists other tasks.
    """

    config_entry: PlexButlerConfigEntry

    def __init__(self, butler: ButlerCoordinator, server: PlexServer) -> None:
        """Initialize the coordinator."""
        super().__init__(
            butler.hass,
            LOGGER,
            config_entry=butler.config_entry,
            name=butler.name,
            update_interval=SETTINGS_INTERVAL,
            always_update=False,
        )
        self.butler = butler
        # The one that the user chose; None for that of Home Assistant.
        self._time_zone: tzinfo | None = None
        self._server = server
        self._listed: Settings | None = None
        # Kept while the settings cannot be read.
        self._last_listed: Settings | None = None
        # Values that are being written, the latest last.
        self._pending: list[SettingValues] = []
        # No read may be older than a write before it.
        self._lock = asyncio.Lock()
        self._failures = 0
        self._was_available = True
        self._tasks = set(butler.data.tasks)
        self.refresh = BackgroundRefresh(self, REFRESH_DELAY, self._lock)

    @property
    def window(self) -> MaintenanceWindow | None:
        """The maintenance window; None if it was never known.

        A server that sleeps until its window opens still has one.
        """
        zone = self._time_zone or dt_util.get_default_time_zone()
        return maintenance_window(self.data or self._last_listed or {}, zone)

    @override
    async def _async_setup(self) -> None:
        """Load the time zone of the server, and follow its availability."""
        if name := self.config_entry.options.get(CONF_TIME_ZONE):
            self._time_zone = await dt_util.async_get_time_zone(name)
        self.config_entry.async_on_unload(
            self.butler.async_add_listener(self._handle_butler_update, (Aspect.TASKS,))
        )
        self.config_entry.async_on_unload(
            self.hass.bus.async_listen(
                EVENT_CORE_CONFIG_UPDATE, self._handle_core_config_update
            )
        )

    @override
    async def _async_update_data(self) -> Settings | None:
        """Read the settings, and the name of the server."""
        before = self.data
        async with self._lock:
            await self._read()
        # The base class would do it late, as it may take long to read the name, or not at
        # all, if a write has changed the data meanwhile.
        self._publish()
        if before is not None:  # At setup, the name has just been read.
            await self._update_name()
        return self._shown()

    async def _update_name(self) -> None:
        """Rename the server's device if the server was renamed."""
        with suppress(PlexError):
            if name := await self._server.get_name():
                async_update_name(self.hass, self.butler.device_id, name)

    async def _read(self) -> None:
        self.update_interval = SETTINGS_INTERVAL
        try:
            settings = await self._server.get_settings()
        except PlexError as err:
            self._read_failed(err)
            return
        listed = {one.id: one for one in settings if is_butler_setting(one.id)}
        if not listed:  # Every server has some: this one is not ready yet.
            self._read_failed(PlexError("none are listed"))
            return
        self._failures = 0
        self._listed = self._last_listed = listed

    def _read_failed(self, err: PlexError) -> None:
        """Try again soon, and keep the last settings for the first timeouts."""
        self.update_interval = retry_delay(err) or IDLE_INTERVAL
        self._failures += 1
        if is_temporary(err) and self._listed and self._failures <= TOLERATED_FAILURES:
            return
        if self._listed is not None or self._failures == 1:
            LOGGER.info("The settings of %s cannot be read (%s)", self.name, err)
        self._listed = None

    def _shown(self) -> Settings | None:
        """Return the settings as if all pending values were written."""
        shown = self._listed
        for values in self._pending:
            shown = _with_values(shown, values)
        return shown

    @callback
    def _publish(self) -> None:
        if (data := self._shown()) != self.data:
            self.data = data
            self.async_update_listeners()

    @callback
    def _handle_butler_update(self) -> None:
        """Update entities when availability or tasks change; read again when available."""
        available = self.butler.last_update_success
        tasks = set(self.butler.data.tasks)
        if available and not self._was_available:
            self.refresh.now()
        if available != self._was_available or tasks != self._tasks:
            self._was_available, self._tasks = available, tasks
            self.async_update_listeners()

    @callback
    def _handle_core_config_update(self, _event: Event) -> None:
        """Update entities, as the time zone may be another one."""
        self.async_update_listeners()

    @callback
    def changed_elsewhere(self, setting_ids: Iterable[str]) -> bool:
        """Return whether any of these changed settings is not being written here."""
        return any(
            all(setting_id not in values for values in self._pending)
            for setting_id in setting_ids
        )

    @override
    async def async_shutdown(self) -> None:
        """Stop all timers."""
        await super().async_shutdown()
        self.refresh.shut_down()

    async def write(self, values: SettingValues) -> None:
        """Change settings in one request, and read them back.

        The new values are shown at once. Raises HomeAssistantError if the request
        fails or the server did not keep the values, and ServiceValidationError if the
        maintenance window would end at the hour it starts.
        """
        self._check_hours(values)
        self._pending.append(values)
        self._publish()
        try:
            with self.butler.action_errors():
                async with self._lock:
                    await self._server.set_settings(values)
                    self._listed = _with_values(self._listed, values)
                    self._last_listed = _with_values(self._last_listed, values)
                    await self._read()
                    self._check(values)
        except BaseException:  # Even a cancelled request may have changed them.
            self.refresh.now()
            raise
        else:
            if self._failures:
                self.refresh.soon()
        finally:
            self._pending.remove(values)
            self._publish()
            self.butler.poll_faster()
            self.butler.refresh.now()

    def _check_hours(self, values: SettingValues) -> None:
        """Raise ServiceValidationError if the maintenance window would be empty."""
        if not values.keys() & {*WindowSetting}:
            return
        shown = {key: one.value for key, one in (self.data or {}).items()}
        start, end = ({**shown, **values}.get(key) for key in WindowSetting)
        if start == end:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="same_hour",
                translation_placeholders={"hour": f"{start:02}:00"},
            )

    def _check(self, values: SettingValues) -> None:
        """Raise PlexSettingError unless the listed settings have these values."""
        listed = self._listed
        if listed is None:
            return
        refused = [
            key
            for key, value in values.items()
            if key not in listed or listed[key].value != value
        ]
        if refused:
            raise PlexSettingError(", ".join(refused))


def _with_values(settings: Settings | None, values: SettingValues) -> Settings | None:
    """Return a copy of the settings with other values."""
    if settings is None:
        return None
    return {
        key: replace(one, value=values[key]) if key in values else one
        for key, one in settings.items()
    }
