"""Which entities a change is written to: those it is about, and no others."""

import asyncio
from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event

from .common import (
    BACKUP,
    MAINTENANCE,
    OPTIMIZE,
    PROGRESS,
    RUNNING_TASKS,
    Tick,
    disable,
    parent,
    press,
    settle,
    states,
    until,
)
from .simulator import Fault, PlexSimulator


@pytest.fixture
def written(hass: HomeAssistant) -> set[str]:
    """The entities whose states were written, whether that changed them or not."""
    written: set[str] = set()

    @callback
    def note(event: Event[dict[str, str]]) -> None:
        written.add(event.data["entity_id"])

    @callback
    def each(_data: dict[str, str]) -> bool:
        return True

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(EVENT_STATE_REPORTED, note, each)
    return written


def of_task(registry: er.EntityRegistry, entry: MockConfigEntry, name: str) -> set[str]:
    """Return the entities of a task."""
    return {
        entity.entity_id
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.unique_id.startswith(f"{entry.unique_id}_{name}_")
    }


def of_all_tasks(
    registry: er.EntityRegistry, entry: MockConfigEntry, plex: PlexSimulator
) -> set[str]:
    """Return the entities of all tasks."""
    return {one for name in plex.tasks for one in of_task(registry, entry, name)}


async def test_progress_is_written_to_its_sensor_only(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    written: set[str],
) -> None:
    plex.announce("started", parent(progress=1, subtitle="Optimize Database"))
    await until(hass, PROGRESS, "1.0")
    await until(hass, OPTIMIZE, "running")
    await tick(6)
    written.clear()
    for progress in (2, 3, 4):
        row = parent(progress=progress, subtitle="Optimize Database")
        plex.announce("updated", row)
        await settle(hass)
        await tick(6)
    assert states(hass, PROGRESS) == ["4.0"]
    assert written == {PROGRESS}


async def test_start_is_written_to_the_task_and_the_server_only(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    entity_registry: er.EntityRegistry,
    written: set[str],
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    assert written >= {OPTIMIZE, MAINTENANCE, RUNNING_TASKS, PROGRESS}
    of_others = of_all_tasks(entity_registry, live, plex) - of_task(
        entity_registry, live, "OptimizeDatabase"
    )
    assert len(of_others) > 100
    assert not written & of_others


async def test_outage_is_written_to_all(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    written: set[str],
) -> None:
    await plex.stop()
    await tick(61)
    assert states(hass, BACKUP) == [STATE_UNAVAILABLE]
    assert written == {*hass.states.async_entity_ids()}

    written.clear()
    await plex.start()
    await tick(61)
    assert states(hass, BACKUP) == ["idle"]
    assert written == {*hass.states.async_entity_ids()}


async def test_title_is_written_wherever_it_is_shown(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
    written: set[str],
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(61)
    written.clear()
    renamed = replace(plex.tasks["OptimizeDatabase"], title="Datenbank optimieren")
    plex.tasks["OptimizeDatabase"] = renamed
    await tick(6)
    assert hass.states.get(RUNNING_TASKS).attributes["tasks"] == [renamed.title]
    assert hass.states.get(OPTIMIZE).name.endswith(renamed.title)
    assert not written & of_task(entity_registry, loaded, "BackupDatabase")


async def test_disabled_is_written_to_the_task(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    entity_registry: er.EntityRegistry,
    written: set[str],
) -> None:
    disable(plex, "BackupDatabase")
    await tick(61)
    assert states(hass, BACKUP) == ["disabled"]
    assert not written & of_task(entity_registry, loaded, "OptimizeDatabase")


async def test_act_on_a_state_while_others_are_written(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """An automation stops a task at once, and another one that began is still shown."""
    seen: list[str] = []

    @callback
    def stop(event: Event[dict[str, str]]) -> None:
        unsubscribe()
        seen.append(event.data["new_state"].state)
        hass.async_create_task(press(hass, "backup_database_stop"))

    unsubscribe = async_track_state_change_event(hass, [BACKUP], stop)
    plex.notify(
        "activity",
        "ActivityNotification",
        [
            {"event": "started", "Activity": {"uuid": name, "title": name}}
            for name in ("BackupDatabase", "OptimizeDatabase")
        ],
    )
    await settle(hass)
    assert seen == ["running"]
    assert states(hass, OPTIMIZE, RUNNING_TASKS) == ["running", "2"]


async def test_push_that_is_taken_back_during_a_read(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """The read ends with the data it began with, but something else was written."""
    row = parent(progress=7)
    plex.activities.append(row)
    plex.announce("started", row)
    await until(hass, PROGRESS, "7.0")
    await tick(1)
    await tick(6)
    plex.inject(Fault.SLOW, "/activities")
    read = asyncio.create_task(live.runtime_data.butler.async_refresh())
    await settle(hass)
    plex.announce("updated", parent(progress=8))
    await until(hass, PROGRESS, "8.0")
    plex.announce("updated", parent(progress=7))
    await settle(hass)
    plex.clear_faults()
    await read
    await settle(hass)
    assert states(hass, PROGRESS) == ["7.0"]
