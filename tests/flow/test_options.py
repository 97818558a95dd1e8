"""The options of a server."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TIME_ZONE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from tests.common import NEXT_START, settle, states


async def submit(hass: HomeAssistant, entry: MockConfigEntry, **options: str) -> Any:
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "init"
    assert form["description_placeholders"] == {"time_zone": hass.config.time_zone}
    result = await hass.config_entries.options.async_configure(form["flow_id"], options)
    await settle(hass)
    return result


def suggested(form: Any) -> Any:
    (field,) = form["data_schema"].schema
    return field.description


@pytest.mark.freeze_time("2026-11-24 12:00:00+00:00")
async def test_time_zone(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    """It is asked for, kept, at work at once, and taken back."""
    assert hass.config.time_zone == "US/Pacific"
    assert states(hass, NEXT_START) == ["2026-11-25T10:00:00+00:00"]

    result = await submit(hass, loaded, time_zone="Europe/Amsterdam")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded.options == {CONF_TIME_ZONE: "Europe/Amsterdam"}
    assert loaded.state is ConfigEntryState.LOADED
    assert states(hass, NEXT_START) == ["2026-11-25T01:00:00+00:00"]

    form = await hass.config_entries.options.async_init(loaded.entry_id)
    assert suggested(form) == {"suggested_value": "Europe/Amsterdam"}
    hass.config_entries.options.async_abort(form["flow_id"])

    await submit(hass, loaded)
    assert loaded.options == {}
    assert states(hass, NEXT_START) == ["2026-11-25T10:00:00+00:00"]


async def test_time_zone_that_is_none(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    form = await hass.config_entries.options.async_init(loaded.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(
            form["flow_id"], {CONF_TIME_ZONE: "Mars/Base"}
        )
    result = await hass.config_entries.options.async_configure(
        form["flow_id"], {CONF_TIME_ZONE: "America/St_Johns"}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
