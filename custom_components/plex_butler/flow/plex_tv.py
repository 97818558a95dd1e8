"""Signing in with plex.tv, which knows the servers of an account and their tokens."""

import asyncio
from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant

from ..helpers import async_create_account
from ..plex import AccountServer, Pin, PlexAccount, PlexError, PlexPinExpiredError


class SignIn:
    """One sign-in: a code, and the servers of the account it was entered with."""

    code: str
    task: asyncio.Task[None]
    """Waits until the code was entered, then reads the servers."""
    account_token: str
    servers: Mapping[str, AccountServer]
    """The servers that the account owns, by machineIdentifier."""

    def __init__(self, hass: HomeAssistant, data: Mapping[str, Any]) -> None:
        """Initialize; `data` is that of the entry to sign in for. Sends nothing."""
        self._hass = hass
        self._data = data
        self.error = ""
        # The step that follows when the task is done.
        self.next_step = "servers"

    async def start(self) -> bool:
        """Get a code, and wait in the background until it was entered.

        Returns False if plex.tv gave no code; `error` says why.
        """
        account = await async_create_account(self._hass, self._data)
        try:
            pin = await account.create_pin()
        except PlexError as err:
            self.error = str(err)
            return False
        self.code = pin.code
        # Home Assistant cancels this when the dialog is closed.
        self.task = self._hass.async_create_background_task(
            self._finish(account, pin), "plex_butler sign-in"
        )
        return True

    async def _finish(self, account: PlexAccount, pin: Pin) -> None:
        """Wait until the code was entered, and read the servers of the account."""
        try:
            self.account_token = await account.wait_for_token(pin)
            servers = await account.get_server_resources(self.account_token)
        except PlexPinExpiredError:
            self.next_step = "code_expired"
        except PlexError as err:
            self.error, self.next_step = str(err), "plex_tv_failed"
        else:
            self.servers = {
                server.machine_identifier: server for server in servers if server.owned
            }
