"""Compares what Home Assistant shows with what a fresh read gives."""

import asyncio
from typing import Any

import aiohttp
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import LIVE_INTERVAL
from custom_components.plex_butler.plex import ButlerTask, PlexServer
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

LOOK_INTERVAL = 0.25
# So many seconds after the servers are well again, each is available, pushes changes,
# and the tasks it is shown with are as they should be: it is polled, and its websocket
# is tried again, within a minute. Home Assistant retries a setup after 80 seconds, if
# that has failed five times in a row.
SOON = 100.0
# Then the list of tasks is right, too. A server does not push that it lists others: that
# is found by the read that is made in any case, which may take a while.
LISTED = LIVE_INTERVAL.total_seconds() + 15

type Shown = dict[str, Any]
type Mistakes = dict[str, tuple[str | None, str | None]]
"""What is shown, and what should be; None is nothing."""


async def recovered(
    hass: HomeAssistant, entries: list[MockConfigEntry]
) -> dict[int, str]:
    """Wait until all servers are right, but no longer than that may take.

    Returns what is wrong then with each server, by its index.
    """
    tasks = [await _read(entry) for entry in entries]
    begun = hass.loop.time()
    for limit, of_list in ((SOON, False), (LISTED, True)):
        while wrong := {
            number: mistakes
            for number, entry in enumerate(entries)
            if (mistakes := _mistakes(hass, entry, tasks[number], of_list=of_list))
        }:
            if hass.loop.time() - begun >= limit:
                return {
                    number: f"not right after {limit:.0f} s: {mistakes}; "
                    f"{_describe(entries[number])}"
                    for number, mistakes in wrong.items()
                }
            await asyncio.sleep(LOOK_INTERVAL)
    return {}


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


def _mistakes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    tasks: list[ButlerTask],
    *,
    of_list: bool,
) -> Mistakes:
    """Return what is wrong with a server that is idle and should push changes.

    `of_list` says whether the list of its tasks counts, too.
    """
    if entry.state is not ConfigEntryState.LOADED:
        return {"entry": (entry.state.value, ConfigEntryState.LOADED.value)}
    registry = er.async_get(hass)
    shown = {
        entity.unique_id: state.state
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.unique_id.endswith("_status")
        and (state := hass.states.get(entity.entity_id))
    }
    right = {
        f"{entry.unique_id}_{task.name}_status": "idle" if task.enabled else "disabled"
        for task in tasks
    }
    keys = shown.keys() | right.keys() if of_list else shown.keys() & right.keys()
    pairs = {key: (shown.get(key), right.get(key)) for key in sorted(keys)}
    pairs["live updates"] = str(entry.runtime_data.butler.stream_up), str(True)
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _describe(entry: MockConfigEntry) -> str:
    """Return all that may say why a server is not right."""
    if entry.state is not ConfigEntryState.LOADED:
        return f"entry: {entry.reason}"
    butler = entry.runtime_data.butler
    return (
        f"last poll succeeded: {butler.last_update_success}, "
        f"last error: {butler.last_exception!r}, "
        f"polled every {butler.update_interval}, live updates: {butler.stream_up}"
    )


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
