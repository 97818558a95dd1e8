"""What is known of a server's settings, and changing them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from homeassistant.util import dt as dt_util

from .const import LOGGER, SETTINGS_INTERVAL, TOLERATED_TIMEOUTS
from .plex import (
    PlexBusyError,
    PlexError,
    PlexServer,
    PlexSettingError,
    PlexTimeoutError,
    Setting,
    SettingValue,
    is_butler_setting,
)

type Settings = Mapping[str, Setting]
type Values = Mapping[str, SettingValue]


class ServerSettings:
    """The settings of one server that are the Butler's.

    They are read and written one after the other: no answer is older than a write that
    came before it. `changed` is called whenever there may be something new.
    """

    def __init__(
        self, server: PlexServer, name: str, changed: Callable[[], None]
    ) -> None:
        """Know nothing yet."""
        self._server = server
        self._name = name
        self._changed = changed
        self._listed: Settings | None = None
        # What is being written, the latest last.
        self._pending: list[Values] = []
        self._one_at_a_time = asyncio.Lock()
        self._waiting_to_read = False
        self._due_at = dt_util.utcnow() + SETTINGS_INTERVAL
        self._failures = 0
        self._told = False

    @property
    def known(self) -> Settings | None:
        """The settings by id; None while they cannot be read.

        What is being written is taken to be so, until the server was asked.
        """
        known = self._listed
        for values in self._pending:
            known = _with(known, values)
        return known

    @property
    def due(self) -> bool:
        """Whether it is time to read them again."""
        return dt_util.utcnow() >= self._due_at

    def expire(self) -> None:
        """Have them read with the next poll, whatever is known."""
        self._due_at = dt_util.utcnow()

    def is_writing(self, setting_id: str) -> bool:
        """Return whether a setting is being written here and now."""
        return any(setting_id in values for values in self._pending)

    async def read(self) -> None:
        """Read them anew. A failure is no news of the tasks, so it is not raised."""
        if self._waiting_to_read:
            return
        self._waiting_to_read = True
        async with self._one_at_a_time:
            self._waiting_to_read = False
            await self._read()
        self._changed()

    async def write(self, values: Values) -> None:
        """Change settings, in one request, and read back what became of it.

        Raises PlexError, and PlexSettingError also if they are not as written then.
        """
        self._pending.append(values)
        self._changed()
        try:
            async with self._one_at_a_time:
                await self._server.set_settings(values)
                self._listed = _with(self._listed, values)
                await self._read()
                self._check(values)
        except BaseException:  # Also when it was cancelled, nobody knows.
            self.expire()
            raise
        finally:
            self._pending.remove(values)
            self._changed()

    def _check(self, values: Values) -> None:
        if self._listed is None:
            return
        listed = self._listed
        if refused := [
            key
            for key, value in values.items()
            if key not in listed or listed[key].value != value
        ]:
            raise PlexSettingError(", ".join(refused))

    async def _read(self) -> None:
        self._due_at = dt_util.utcnow() + SETTINGS_INTERVAL
        try:
            settings = await self._server.get_settings()
        except PlexError as err:
            self._fail(err)
            return
        if not settings:  # No server has none: this is one that is not ready yet.
            self._fail(PlexError("none are listed"))
            return
        self._failures = 0
        self._told = False
        self._listed = {one.id: one for one in settings if is_butler_setting(one.id)}

    def _fail(self, err: PlexError) -> None:
        """Try again with the next poll; slow is not down, until it is for too long."""
        self.expire()
        self._failures += 1
        slow = isinstance(err, PlexTimeoutError | PlexBusyError)
        if slow and self._listed and self._failures <= TOLERATED_TIMEOUTS:
            return
        self._listed = None
        if not self._told:
            self._told = True
            LOGGER.info("The settings of %s cannot be read (%s)", self._name, err)


def _with(settings: Settings | None, values: Values) -> Settings | None:
    """Return the settings as they are with other values."""
    if settings is None:
        return None
    return {
        key: replace(one, value=values[key]) if key in values else one
        for key, one in settings.items()
    }
