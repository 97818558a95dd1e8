"""When a task last started and finished, as far as it was seen."""

from datetime import UTC, datetime

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    mock_restore_cache_with_extra_data,
)

from homeassistant.components.sensor import SensorExtraStoredData
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er

from .common import OF_TASK, WEBSOCKET, Tick, connect, states, until
from .simulator import Fault, PlexSimulator


def enable(registry: er.EntityRegistry, plex: PlexSimulator, key: str) -> str:
    """Enable a sensor of OptimizeDatabase that is disabled by default."""
    entity_id = registry.async_get_entity_id(
        "sensor",
        "plex_butler",
        f"{plex.machine_identifier}_OptimizeDatabase_{key}",
    )
    registry.async_update_entity(entity_id, disabled_by=None)
    return entity_id


async def test_moments_are_disabled_by_default(
    hass: HomeAssistant, live: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    entity = entity_registry.async_get(
        f"sensor.{OF_TASK}optimize_database_last_started"
    )
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_last_started_and_finished(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    tick: Tick,
    entity_registry: er.EntityRegistry,
) -> None:
    begun, ended = (
        enable(entity_registry, plex, key) for key in ("last_started", "last_finished")
    )
    plex.inject(Fault.SLOW, WEBSOCKET)
    await tick(30)  # Home Assistant reloads the entry by itself
    await connect(hass, plex)
    freezer.move_to("2026-11-23 03:01:00+00:00")
    assert states(hass, begun, ended) == [STATE_UNKNOWN, STATE_UNKNOWN]

    plex.butler.start("OptimizeDatabase")
    await until(hass, begun, "2026-11-23T03:01:00+00:00")
    assert states(hass, ended) == [STATE_UNKNOWN]

    freezer.move_to("2026-11-23 03:05:00+00:00")
    plex.finish("OptimizeDatabase")
    await until(hass, ended, "2026-11-23T03:05:00+00:00")
    assert states(hass, begun) == ["2026-11-23T03:01:00+00:00"]


async def test_moments_are_kept_over_a_restart(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    moment = datetime(2026, 11, 22, 3, 5, tzinfo=UTC)
    ended = entity_registry.async_get_or_create(
        "sensor",
        "plex_butler",
        f"{plex.machine_identifier}_OptimizeDatabase_last_finished",
        config_entry=entry,
    ).entity_id
    stored = SensorExtraStoredData(moment, None).as_dict()
    mock_restore_cache_with_extra_data(
        hass, [(State(ended, moment.isoformat()), stored)]
    )
    await hass.config_entries.async_setup(entry.entry_id)
    assert states(hass, ended) == [moment.isoformat()]
