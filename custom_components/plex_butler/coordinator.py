"""Reads a server's Butler, and does what buttons and actions ask of it."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any, override

from yarl import URL

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import device_registry as dr, instance_id
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.loader import async_get_integration

from .const import (
    BUSY_INTERVAL,
    DOMAIN,
    IDLE_INTERVAL,
    LOGGER,
    LOOK_DELAY,
    SETTLE,
    TOLERATED_TIMEOUTS,
    WATCH,
)
from .errors import action_error, poll_error
from .plex import (
    ButlerTask,
    ClientInfo,
    Maintenance,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexServer,
    PlexTimeoutError,
    ServerIdentity,
    StartResult,
    StopResult,
)

type PlexButlerConfigEntry = ConfigEntry[ButlerCoordinator]


class TaskStatus(StrEnum):
    """What a task is doing, as far as it can be known."""

    DISABLED = "disabled"
    IDLE = "idle"
    RUNNING = "running"


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerData:
    """The Butler at one moment."""

    tasks: Mapping[str, ButlerTask]
    maintenance: Maintenance

    def status(self, name: str) -> TaskStatus | None:
        """Return what a listed task is doing; None when the server does not say."""
        if name in self.maintenance.running:
            return TaskStatus.RUNNING
        enabled = self.tasks[name].enabled
        if enabled is None:
            return None
        return TaskStatus.IDLE if enabled else TaskStatus.DISABLED


async def async_create_server(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PlexServer:
    """Return the client of a server, from the data of its config entry."""
    integration = await async_get_integration(hass, DOMAIN)
    return PlexServer(
        async_get_clientsession(hass, verify_ssl=data[CONF_VERIFY_SSL]),
        data[CONF_URL],
        data.get(CONF_TOKEN),
        client=ClientInfo(
            identifier=f"{DOMAIN}-{await instance_id.async_get(hass)}",
            version=str(integration.version),
            device_name="Home Assistant",
            language=hass.config.language,
        ),
    )


class ButlerCoordinator(DataUpdateCoordinator[ButlerData]):
    """Knows one server: its tasks, what runs, and how to start and stop it."""

    config_entry: PlexButlerConfigEntry
    identity: ServerIdentity
    device_id: str

    def __init__(
        self, hass: HomeAssistant, entry: PlexButlerConfigEntry, server: PlexServer
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
        self._timeouts = 0
        # Tasks started from here that no activity has shown yet, and since when.
        self._started: dict[str, float] = {}
        self._watch_until = 0.0
        self._cancel_look: CALLBACK_TYPE = _nothing

    @property
    def server_url(self) -> URL:
        """The address of the server."""
        return self._server.url

    # Reading

    @override
    async def _async_setup(self) -> None:
        """Find out who the server is, and give it its device."""
        try:
            await self._identify()
            name = await self._server.get_name()
        except PlexError as err:
            raise poll_error(err, self.name) from err
        self.device_id = (
            dr.async_get(self.hass)
            .async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                entry_type=dr.DeviceEntryType.SERVICE,
                identifiers={(DOMAIN, self.identity.machine_identifier)},
                manufacturer="Plex",
                model="Plex Media Server",
                name=name or self.config_entry.title,
                sw_version=self.identity.version,
                configuration_url=str(self._server.url / "web"),
            )
            .id
        )

    async def _identify(self) -> None:
        """Read who answers, which must be the server this entry is for."""
        identity = await self._server.get_identity()
        if identity.machine_identifier != self.config_entry.unique_id:
            raise ConfigEntryError(
                translation_domain=DOMAIN,
                translation_key="wrong_server",
                translation_placeholders={"server": self.name},
            )
        self.identity = identity

    @override
    async def _async_update_data(self) -> ButlerData:
        """Poll the server."""
        self.update_interval = IDLE_INTERVAL
        try:
            if not self.last_update_success:
                await self._reidentify()
            data = await self._read()
        except (PlexTimeoutError, PlexBusyError) as err:
            return self._tolerate(err)
        except PlexError as err:
            raise poll_error(err, self.name) from err
        self._timeouts = 0
        self._remove_stale_devices(data)
        if data.maintenance.active or monotonic() < self._watch_until:
            self.update_interval = BUSY_INTERVAL
        return data

    async def _read(self) -> ButlerData:
        """Return what the server says, and what it cannot say yet."""
        begun = monotonic()
        tasks = {task.name: task for task in await self._server.get_butler_tasks()}
        seen = Maintenance.observe(tasks, await self._server.get_activities())
        # A task counts as started until a read that began late enough to show it does
        # not: nothing is at work, or something is that has a name, and another one.
        unnamed = seen.active and not seen.running
        self._started = {
            name: at
            for name, at in self._started.items()
            if name not in seen.running and (unnamed or begun < at + SETTLE)
        }
        return ButlerData(tasks=tasks, maintenance=seen.including(self._started))

    async def _reidentify(self) -> None:
        """Look again who answers: the server may be back with a new version."""
        await self._identify()
        dr.async_get(self.hass).async_update_device(
            self.device_id, sw_version=self.identity.version
        )

    def _tolerate(self, err: PlexTimeoutError | PlexBusyError) -> ButlerData:
        """Keep what is known: slow is not down, until it has been for too long."""
        self._timeouts += 1
        if not (self.data and self.last_update_success) or (
            self._timeouts > TOLERATED_TIMEOUTS
        ):
            raise poll_error(err, self.name) from err
        if isinstance(err, PlexBusyError) and err.retry_after is not None:
            self.update_interval = timedelta(seconds=err.retry_after)
        return self.data

    # Devices

    def task_identifier(self, name: str) -> tuple[str, str]:
        """Return the identifier of a task's device."""
        return (DOMAIN, f"{self.identity.machine_identifier}_{name}")

    def listed_identifiers(self) -> set[tuple[str, str]]:
        """Return the identifiers of the devices that are there now."""
        return {
            (DOMAIN, self.identity.machine_identifier),
            *map(self.task_identifier, self.data.tasks),
        }

    @callback
    def _remove_stale_devices(self, data: ButlerData) -> None:
        """Remove the devices of tasks that a server no longer has."""
        if not data.tasks:  # No server has none: this is one that is not ready yet.
            return
        listed = set(map(self.task_identifier, data.tasks))
        registry = dr.async_get(self.hass)
        for device in dr.async_entries_for_parent_device(registry, self.device_id):
            if not device.identifiers & listed:
                registry.async_remove_device(device.id)

    # Doing

    async def get_butler_tasks(self) -> ButlerData:
        """Read the server now, whatever the polling."""
        data = await self._translated(self._read())
        self.async_set_updated_data(data)
        return data

    async def start_task(self, name: str) -> StartResult:
        """Start a task."""
        result = await self._do(self._server.start_task(name))
        self._started[name] = monotonic()
        maintenance = self.data.maintenance.including(self._started)
        self.async_set_updated_data(replace(self.data, maintenance=maintenance))
        return result

    async def stop_task(self, name: str) -> StopResult:
        """Stop a task; Plex finishes the item it is working on first."""
        result = await self._do(self._server.stop_task(name))
        self._started.pop(name, None)
        return result

    async def start_all_tasks(self) -> None:
        """Start every task that is enabled and due."""
        await self._do(self._server.start_all_tasks())

    async def stop_all_tasks(self) -> None:
        """Stop what runs and empty the queue."""
        await self._do(self._server.stop_all_tasks())
        self._started.clear()

    async def _translated[T](self, request: Awaitable[T]) -> T:
        """Wait for a user's request, and put its failure in the user's words."""
        try:
            return await request
        except PlexError as err:
            if isinstance(err, PlexAuthenticationError):
                self.config_entry.async_start_reauth(self.hass)
            raise action_error(err, self.name) from err

    async def _do[T](self, request: Awaitable[T]) -> T:
        """Wait for a user's request, then look what it led to, even if it failed.

        The first look comes as soon as Plex can show something, more follow for a
        while.
        """
        try:
            return await self._translated(request)
        finally:
            self._watch_until = monotonic() + WATCH
            self._cancel_look()
            if not self._shutdown_requested:
                self._cancel_look = async_call_later(self.hass, LOOK_DELAY, self._look)

    @callback
    def _look(self, _now: datetime) -> None:
        self._cancel_look = _nothing
        self.config_entry.async_create_background_task(
            self.hass, self.async_refresh(), f"{self.name} - refresh after a request"
        )

    @override
    async def async_shutdown(self) -> None:
        """Stop polling, and looking."""
        await super().async_shutdown()
        self._cancel_look()


def _nothing() -> None:
    """Cancel what is not scheduled."""
