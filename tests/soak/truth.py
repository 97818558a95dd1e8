"""Compares what Home Assistant shows with what a fresh read gives."""

import asyncio
from typing import Any

import aiohttp
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.plex import ButlerTask, PlexServer
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

LOOK_INTERVAL = 0.25

type Shown = dict[str, Any]


async def recovered(
    hass: HomeAssistant, entries: list[MockConfigEntry], seconds: float
) -> list[MockConfigEntry]:
    """Return the servers that are still wrong after some time."""
    tasks = {entry.entry_id: await _read(entry) for entry in entries}

    def wrong() -> list[MockConfigEntry]:
        return [
            entry
            for entry in entries
            if not _is_right(hass, entry, tasks[entry.entry_id])
        ]

    for _ in range(int(seconds / LOOK_INTERVAL)):
        if not wrong():
            break
        await asyncio.sleep(LOOK_INTERVAL)
    return wrong()


async def stale(hass: HomeAssistant, entries: list[MockConfigEntry]) -> list[str]:
    """Return what is other than before once all is read and made anew."""
    before = {entry.entry_id: _shown(hass, entry) for entry in entries}
    for entry in entries:
        await hass.config_entries.async_reload(entry.entry_id)
    differences = []
    for entry in entries:
        was, now = before[entry.entry_id], _shown(hass, entry)
        differences += [
            f"{key}: {was.get(key)}, in truth {now.get(key)}"
            for key in sorted(was.keys() | now.keys())
            if was.get(key) != now.get(key)
        ]
    return differences


async def _read(entry: MockConfigEntry) -> list[ButlerTask]:
    async with aiohttp.ClientSession() as session:
        server = PlexServer(session, entry.data["url"], entry.data["token"])
        return [*await server.get_butler_tasks()]


def _is_right(
    hass: HomeAssistant, entry: MockConfigEntry, tasks: list[ButlerTask]
) -> bool:
    """Return whether a server that is idle is shown with its tasks, and pushes."""
    if entry.state is not ConfigEntryState.LOADED:
        return False
    registry = er.async_get(hass)
    shown = {
        entity.unique_id: state.state
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.unique_id.endswith("_status")
        and (state := hass.states.get(entity.entity_id))
    }
    return entry.runtime_data.butler.stream_up and shown == {
        f"{entry.unique_id}_{task.name}_status": "idle" if task.enabled else "disabled"
        for task in tasks
    }


def _shown(hass: HomeAssistant, entry: MockConfigEntry) -> Shown:
    """Return the states of all entities of a server, and the names of its devices."""
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    states = {
        entity.entity_id: hass.states.get(entity.entity_id) for entity in entities
    }
    return {device.id: device.name for device in devices} | {
        entity_id: (state.state, dict(state.attributes)) if state else None
        for entity_id, state in states.items()
    }
