"""What the README and the other pages show works as it stands there."""

import asyncio
from dataclasses import replace
from pathlib import Path
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.plex_butler.condition import CONDITIONS
from custom_components.plex_butler.trigger import TRIGGERS
from homeassistant.components import persistent_notification
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.setup import async_setup_component

from .automating import finish, start
from .common import BACKUP, OF_TASK, OPTIMIZE, Tick, settle, until
from .simulator import PlexSimulator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
AUTOMATIONS = (ROOT / "docs/automations.md").read_text()
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def yaml_blocks(text: str) -> list[Any]:
    """Return the YAML of a page, with the ids that tasks have in tests."""
    return [
        yaml.safe_load(
            re.sub(r"\b(sensor|switch)\.media_server_", rf"\1.{OF_TASK}", block)
        )
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ]


(NIGHT,) = yaml_blocks(README)
BACK_UP, TELL, DIARY, NO_ANALYSIS, PRICE, SEASONS = yaml_blocks(AUTOMATIONS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page: Path) -> None:
    """All YAML is run by a test of this file, and no link within is dead."""
    text = page.read_text()
    assert page.name in {"README.md", "automations.md"} or not yaml_blocks(text)
    links = re.findall(
        r"""(?:\]\(|src="|srcset=")(?!https?:)([^)"#]*)(#[^)"]*)?""", text
    )
    for path, anchor in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        headings = (
            re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if anchor else []
        )
        slugs = [
            "#" + re.sub(r"[^\w -]", "", one).lower().replace(" ", "-")
            for one in headings
        ]
        assert not anchor or anchor in slugs, anchor


async def automate(hass: HomeAssistant, config: dict[str, Any]) -> None:
    assert await async_setup_component(hass, "automation", config)
    await settle(hass)
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


async def test_back_up_then_optimise_then_tell_me(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    messages: list[str],
) -> None:
    backup = plex.tasks["BackupDatabase"]
    plex.tasks["BackupDatabase"] = replace(backup, duration=None)
    assert await async_setup_component(hass, "script", NIGHT)
    script = asyncio.create_task(
        hass.services.async_call("script", "plex_night", blocking=True)
    )
    await until(hass, f"sensor.{OF_TASK}backup_database", "running")
    plex.finish("BackupDatabase")
    await until(hass, f"sensor.{OF_TASK}optimize_database", "running")
    plex.finish("OptimizeDatabase")
    await script
    assert messages == ["The database is backed up and optimized."]


async def test_tell_me_when_the_backup_has_finished(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    messages: list[str],
) -> None:
    """It is told once: neither an outage nor a reload repeats it."""
    await automate(hass, TELL)
    await start(hass, plex, BACKUP)
    await finish(hass, plex, BACKUP)
    assert messages == ["The database is backed up."]

    await plex.stop()
    await until(hass, BACKUP, STATE_UNAVAILABLE)
    await plex.start()
    await tick(60)
    await until(hass, BACKUP, "idle")
    await hass.config_entries.async_reload(live.entry_id)
    await until(hass, BACKUP, "idle")
    assert len(messages) == 1


async def test_diary(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
    messages: list[str],
) -> None:
    (server,) = dr.async_entries_for_config_entry(device_registry, live.entry_id)
    area = area_registry.async_create("Basement").id
    device_registry.async_update_device(server.id, area_id=area)
    await automate(hass, DIARY)
    await start(hass, plex, OPTIMIZE)
    freezer.tick(7)
    await finish(hass, plex, OPTIMIZE)
    await start(hass, plex, OPTIMIZE)
    freezer.tick(5)
    await hass.services.async_call("plex_butler", "stop_task", {"entity_id": OPTIMIZE})
    await finish(hass, plex, OPTIMIZE)
    assert messages == [
        "Optimize Database has started",
        "Optimize Database has finished after 7 seconds",
        "Optimize Database has started",
        "Optimize Database has stopped after 5 seconds",
    ]


@pytest.fixture
async def messages(hass: HomeAssistant) -> list[str]:
    """What the user is told."""
    told: list[str] = []

    @callback
    def listen(
        _change: persistent_notification.UpdateType,
        notifications: dict[str, persistent_notification.Notification],
    ) -> None:
        told.extend(text["message"] for text in notifications.values())

    await async_setup_component(hass, "persistent_notification", {})
    persistent_notification.async_register_callback(hass, listen)
    return told


async def test_no_analysis_during_a_film(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.stop_delay = 0
    plex.butler.start("DeepMediaAnalysis")
    await automate(hass, NO_ANALYSIS)
    hass.states.async_set("media_player.living_room", "playing")
    await settle(hass)
    assert plex.butler.idle


@pytest.mark.usefixtures("no_pause", "loaded")
async def test_cheap_electricity(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await automate(hass, PRICE)
    hass.states.async_set("input_number.cheapest_hour", "22.0")
    await settle(hass)
    assert plex.settings.number("ButlerStartHour") == 22
    assert plex.settings.number("ButlerEndHour") == 1


@pytest.mark.usefixtures("no_pause", "loaded")
async def test_seasons(hass: HomeAssistant, plex: PlexSimulator) -> None:
    await automate(hass, SEASONS)
    for season, opens, closes, enabled in (
        ("winter", 2, 5, False),
        ("summer", 11, 15, True),
    ):
        hass.states.async_set("sensor.season", season)
        await settle(hass)
        assert plex.settings.number("ButlerStartHour") == opens
        assert plex.settings.number("ButlerEndHour") == closes
        assert plex.tasks["DeepMediaAnalysis"].enabled is enabled


async def test_all_is_listed(
    hass: HomeAssistant, loaded: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    for entity in er.async_entries_for_config_entry(entity_registry, loaded.entry_id):
        name = entity.original_name or r"\*\(named like the task\)\*"
        assert re.search(
            rf"^\| .* \| {name}, {entity.domain.replace('_', ' ')} \|",
            README,
            re.MULTILINE,
        )
    actions = hass.services.async_services_for_domain("plex_butler")
    for name in (*TRIGGERS, *CONDITIONS, *actions):
        assert f"| `{name}` |" in README
    for action in actions:
        assert f"### `plex_butler.{action}`" in AUTOMATIONS
