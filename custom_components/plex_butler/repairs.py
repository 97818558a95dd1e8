"""Repairs of Butler for Plex."""

from typing import Any, override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .moves import async_move


class MoveRepairFlow(ConfirmRepairFlow):
    """Asks whether a lost server is where it was found."""

    def __init__(self, found: dict[str, Any]) -> None:
        """Initialize with the data of the issue."""
        super().__init__()
        self._found = found

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Change the address of the server, once the user has confirmed it."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if issue is None or issue.data != self._found:
            # The server is back, or was found elsewhere meanwhile.
            return self.async_abort(reason="outdated")
        if user_input is not None:
            found = dict(self._found)
            entry_id = found.pop("entry_id")
            entry = self.hass.config_entries.async_get_known_entry(entry_id)
            async_move(self.hass, entry, found)
        return await super().async_step_confirm(user_input)


async def async_create_fix_flow(
    _hass: HomeAssistant, _issue_id: str, data: dict[str, Any]
) -> RepairsFlow:
    """Return the flow that fixes an issue."""
    return MoveRepairFlow(data)
