"""What a user attaches to a report of a problem."""

from dataclasses import replace

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from homeassistant.core import HomeAssistant

from .common import Tick, disable, press, settle
from .simulator import PlexSimulator


async def test_diagnostics(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: PlexSimulator,
    hass_client: ClientSessionGenerator,
    snapshot: SnapshotAssertion,
) -> None:
    tasks = ("BackupDatabase", "OptimizeDatabase")
    plex.tasks = {name: plex.tasks[name] for name in tasks}
    disable(plex, "BackupDatabase")
    plex.butler.start("OptimizeDatabase")
    await hass.config_entries.async_setup(entry.entry_id)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    assert diagnostics == snapshot(
        exclude=props("created_at", "entry_id", "modified_at")
    )


@pytest.mark.freeze_time("2026-11-24 11:00:00+00:00")
async def test_what_the_server_showed(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    hass_client: ClientSessionGenerator,
    tick: Tick,
) -> None:
    """Read, pushed and answered to a start, which is in the window or not."""
    plex.tasks = {
        "BackupDatabase": replace(plex.tasks["BackupDatabase"], title=None),
        "OptimizeDatabase": plex.tasks["OptimizeDatabase"],
    }
    await tick(300)
    await press(hass, "optimize_database_start")
    await settle(hass)
    plex.finish("OptimizeDatabase")
    await settle(hass)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, live)

    seen = diagnostics["observations"]
    assert seen["answers"] == {"POST one task: 200": 1}
    assert (seen["tasks"], seen["with_title"], seen["with_description"]) == (2, 1, 2)
    assert seen["row"] == "only_in_runs"
    assert seen["starts"] == [
        {
            "name": "OptimizeDatabase",
            "in_window": True,
            "result": "started",
            "shown_after": 0,
            "named_after": 0,
        }
    ]
    assert {row[1] for row in seen["frames"]["rows"]} == {"started", "updated", "ended"}
