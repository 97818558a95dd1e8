"""How often a server is asked, and what is made of its answers."""

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import BACKUP, OF_TASK, Tick, disable, reads
from .simulator import PlexSimulator


async def test_polls_every_minute_when_idle(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    await tick(58)
    assert reads(plex) == []
    await tick(3)
    assert [request.raw_path for request in reads(plex)] == ["/butler", "/activities"]


async def test_polls_every_ten_seconds_while_a_task_runs(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(61)
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "running"

    plex.requests.clear()
    await tick(8)
    assert reads(plex) == []
    plex.finish("OptimizeDatabase")
    await tick(3)
    assert len(reads(plex)) == 2
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "idle"

    plex.requests.clear()
    await tick(55)
    assert reads(plex) == []


async def test_looks_often_for_a_while_after_a_request(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A server may take longer than a moment to begin."""
    await hass.services.async_call(
        DOMAIN, "stop_all_tasks", {"config_entry_id": loaded.entry_id}, blocking=True
    )
    await tick(1)
    plex.requests.clear()
    for _ in range(3):
        await tick(11)
    assert len(reads(plex)) == 6
    await tick(55)
    assert len(reads(plex)) == 6


async def test_polling_disabled_by_the_user(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    """Then only a press, an action and homeassistant.update_entity read."""
    await async_setup_component(hass, "homeassistant", {})
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    plex.requests.clear()
    await tick(600)
    assert reads(plex) == []

    disable(plex, "BackupDatabase")
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": [BACKUP]}, blocking=True
    )
    assert hass.states.get(BACKUP).state == "disabled"


async def test_nothing_new_writes_no_state(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(BACKUP).last_reported
    await tick(61)
    await tick(61)
    assert events == []
    assert hass.states.get(BACKUP).last_reported == reported

    disable(plex, "BackupDatabase")
    await tick(61)
    assert [event.data["entity_id"] for event in events] == [BACKUP]
