"""What the README shows works as it stands there."""

from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .conftest import OF_TASK, Tick
from .simulator import PlexSimulator

README = (Path(__file__).parents[1] / "README.md").read_text()
BACK_UP, NO_ANALYSIS = (
    yaml.safe_load(block.replace("media_server_", OF_TASK))
    for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
)


async def automate(hass: HomeAssistant, config: dict[str, Any]) -> None:
    assert await async_setup_component(hass, "automation", config)
    await hass.async_block_till_done()
    assert len(hass.states.async_entity_ids("automation")) == 1


@pytest.mark.freeze_time("2026-11-23 20:59:59-08:00")  # in the tests' time zone
async def test_back_up_every_evening(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await automate(hass, BACK_UP)
    await tick(1)
    assert plex.started == ["BackupDatabase"]
    # It would wait for the next evening.
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"})


async def test_no_analysis_during_a_film(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.stop_delay = 0
    plex.butler.start("DeepMediaAnalysis")
    await automate(hass, NO_ANALYSIS)
    hass.states.async_set("media_player.living_room", "playing")
    await hass.async_block_till_done()
    assert plex.butler.idle


async def test_entities_and_actions_are_all_listed(
    hass: HomeAssistant, loaded: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    for entity in er.async_entries_for_config_entry(entity_registry, loaded.entry_id):
        name = entity.original_name or r"\*\(named like the task\)\*"
        assert re.search(
            rf"^\| .* \| {name}, {entity.domain.replace('_', ' ')} \|",
            README,
            re.MULTILINE,
        )
    for action in hass.services.async_services_for_domain("plex_butler"):
        assert f"### `plex_butler.{action}`" in README
