"""The one thing to choose: the time zone of the server."""

from typing import Any
from zoneinfo import available_timezones

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import CONF_TIME_ZONE
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)


class PlexButlerOptionsFlow(OptionsFlowWithReload):
    """Handle the options of a server."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the time zone; none is that of Home Assistant."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        zones = await self.hass.async_add_executor_job(available_timezones)
        selector = SelectSelector(
            SelectSelectorConfig(
                options=sorted(zones), mode=SelectSelectorMode.DROPDOWN
            )
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Optional(CONF_TIME_ZONE): selector}),
                self.config_entry.options,
            ),
            description_placeholders={"time_zone": self.hass.config.time_zone},
        )
