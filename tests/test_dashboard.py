"""The dashboard in docs/dashboard.yaml, which is pasted as it stands."""

from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.template import Template

from .automating import begin, finish
from .common import OF_TASK, OPTIMIZE, make_entry, press, settle, until
from .simulator import PlexSimulator, RowMode, RunShape, SimulatedTask

FILE = Path(__file__).parents[1] / "docs/dashboard.yaml"
SERVER = "media_server_"
# Known tasks that not every server has, which are named by the translations.
MORE_TASKS = (
    "BuildGracenoteCollections",
    "ButlerTaskCleanSupplementalLogFiles",
    "CheckForUpdates",
    "GenerateAutoTags",
    "ProcessAssets",
)
ASK = {
    "button.media_server_start_all_tasks",
    "button.media_server_stop_all_tasks",
    "button.media_server_clean_old_bundles_start",
    "button.media_server_clean_old_cache_files_start",
    "button.media_server_clean_supplemental_log_files_start",
    "button.media_server_garbage_collect_blobs_start",
    "button.media_server_garbage_collect_library_media_start",
}
# What a tap on a button's card does where the card does not say it.
TAPS = {"tile": {"icon_tap_action"}, "button": {"tap_action"}}

type Card = dict[str, Any]


def parts(node: Any) -> Iterator[Card]:
    """Yield all mappings: views, sections, cards, badges and what they hold."""
    match node:
        case dict():
            yield node
            for child in node.values():
                yield from parts(child)
        case list():
            for child in node:
                yield from parts(child)


def cards() -> list[Card]:
    """Return all cards, as the frontend gets them."""
    return [part for part in parts(yaml.safe_load(FILE.read_text())) if "type" in part]


def entity_ids() -> set[str]:
    """Return all entities that the dashboard names, in templates too."""
    return set(re.findall(r"\b[a-z_]+\.media_server_\w+", FILE.read_text()))


def of_task(hass: HomeAssistant, entity_id: str) -> str:
    """Return the id that an entity has here: those of tasks are shorter on 2026.9."""
    short = entity_id.replace(SERVER, OF_TASK)
    return next(filter(hass.states.get, (entity_id, short)), "")


def shown(hass: HomeAssistant) -> set[tuple[str, str]]:
    """Return the entities, and the kinds, of the cards that are not hidden."""
    return {
        (card["entity"], card["type"])
        for card in cards()
        if "entity" in card
        and all(
            meets(hass, condition, card["entity"])
            for condition in card.get("visibility", ())
        )
    }


def meets(hass: HomeAssistant, condition: Card, entity_id: str) -> bool:
    """Return whether a condition is met, as the frontend tells it."""
    assert condition["condition"] == "state"
    found = hass.states.get(of_task(hass, condition.get("entity", entity_id)))
    state = getattr(found, "state", STATE_UNAVAILABLE)
    one_of = cv.ensure_list(condition.get("state", state))
    return state in one_of and state not in cv.ensure_list(condition.get("state_not"))


def render(hass: HomeAssistant) -> list[str]:
    """Return what the two markdown cards show: what runs now, and the last runs."""
    return [
        str(Template(card["content"], hass).async_render(strict=True)).strip()
        for card in cards()
        if card["type"] == "markdown"
    ]


@pytest.fixture
async def every_task(hass: HomeAssistant, plex: PlexSimulator) -> MockConfigEntry:
    """The entry of a server that has all tasks that are known."""
    plex.tasks |= {name: SimulatedTask(name, None, None, 1) for name in MORE_TASKS}
    entry = make_entry(plex)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


async def test_every_entity_exists(
    hass: HomeAssistant, every_task: MockConfigEntry
) -> None:
    assert len(entity_ids()) > 100
    assert {one for one in entity_ids() if not of_task(hass, one)} == set()


async def test_every_button_and_setting_is_there(
    hass: HomeAssistant, every_task: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    named = {of_task(hass, one) for one in entity_ids()}
    entities = er.async_entries_for_config_entry(entity_registry, every_task.entry_id)
    left_out = {one.entity_id for one in entities} - named
    assert {one.partition(".")[0] for one in left_out} == {"event", "sensor"}
    # Those of the last runs are found by the template.
    assert {
        entity.translation_key for entity in entities if entity.entity_id in left_out
    } == {"last_duration", "last_run", "task_activity"}


def test_presses_that_ask_for_confirmation() -> None:
    """Each way to press a button is its own action, as each could do without asking."""
    asks: dict[bool, set[str]] = {True: set(), False: set()}
    buttons = [one for one in cards() if one.get("entity", "").startswith("button.")]
    for card in buttons:
        taps = {key for key in card if key.endswith("_action")}
        for action in map(card.get, taps | TAPS[card["type"]]):
            assert action["action"] == "toggle"
            asks["confirmation" in action].add(card["entity"])
            assert action.get("confirmation", {"text": "none"})["text"]
    assert asks[True] == ASK
    assert len(asks[False]) == 49
    assert not asks[True] & asks[False]


async def test_start_is_there_until_a_task_runs(
    hass: HomeAssistant, plex: PlexSimulator, live: MockConfigEntry
) -> None:
    """Then Stop is there. A task that the server does not have is not."""
    id_ = f"{SERVER}optimize_database"
    start, stop = (f"button.{id_}_start", "button"), (f"button.{id_}_stop", "button")
    assert {(f"sensor.{id_}", "tile"), start} <= shown(hass)
    assert stop not in shown(hass)
    begin(plex, "OptimizeDatabase")
    await settle(hass)
    assert {(f"sensor.{id_}", "tile"), stop} <= shown(hass)
    assert start not in shown(hass)
    await press(hass, "optimize_database_stop")
    await settle(hass)
    assert hass.states.get(OPTIMIZE).state == "stopping"
    assert stop in shown(hass)
    assert start not in shown(hass)
    assert not [one for one, _ in shown(hass) if "check_for_updates" in one]


async def test_progress_is_there_while_it_is_known(
    hass: HomeAssistant, plex: PlexSimulator, live: MockConfigEntry
) -> None:
    progress = ("sensor.media_server_progress", "tile")
    assert progress not in shown(hass)
    begin(plex, "OptimizeDatabase")
    await settle(hass)
    assert progress in shown(hass)


@pytest.mark.parametrize("row", RowMode)
@pytest.mark.freeze_time("2026-11-23 12:30:00+00:00")
async def test_what_runs_now(
    hass: HomeAssistant, plex: PlexSimulator, live: MockConfigEntry, row: RowMode
) -> None:
    await hass.config.async_set_time_zone("UTC")
    plex.row_mode = row
    assert render(hass) == ["Not running", "—"]
    begin(plex, "BackupDatabase")
    begin(plex, "OptimizeDatabase")
    await settle(hass)
    backup, optimize = (
        f"**{name} Database** · Running · 12:30" for name in ("Backup", "Optimize")
    )
    assert sorted(render(hass)[0].splitlines()) == [backup, optimize]
    await finish(hass, plex, OPTIMIZE)
    assert render(hass)[0] == backup


async def test_nothing_is_known_of_a_lost_server(
    hass: HomeAssistant, plex: PlexSimulator, live: MockConfigEntry
) -> None:
    """Home Assistant does not translate "unavailable" for a template."""
    await plex.stop()
    await until(hass, "binary_sensor.media_server_maintenance", STATE_UNAVAILABLE)
    assert render(hass) == ["—", "—"]


@pytest.mark.freeze_time("2026-11-23 12:30:00+00:00")
async def test_a_run_without_a_name(
    hass: HomeAssistant, plex: PlexSimulator, live: MockConfigEntry, tick: Any
) -> None:
    plex.shape = RunShape.PARENT_ONLY
    begin(plex, "OptimizeDatabase")
    await settle(hass)
    await tick(2)
    assert render(hass)[0] == "Running"


@pytest.mark.freeze_time("2026-11-23 12:30:00+00:00")
async def test_last_runs(
    hass: HomeAssistant,
    plex: PlexSimulator,
    live: MockConfigEntry,
    tick: Any,
    entity_registry: er.EntityRegistry,
) -> None:
    """The newest is first, and leads to the page of its task."""
    await hass.config.async_set_time_zone("UTC")
    device = entity_registry.async_get(OPTIMIZE).device_id
    begin(plex, "OptimizeDatabase")
    await settle(hass)
    await tick(75)
    await press(hass, "optimize_database_stop")
    plex.finish("OptimizeDatabase")
    await settle(hass)
    optimize = f"[Optimize Database](/config/devices/device/{device}) · 0:01:15"
    stopped = '<ha-icon icon="mdi:stop"></ha-icon>'
    assert render(hass)[1] == f"12:31 · {optimize} {stopped}"
    await tick(24 * 3600)
    begin(plex, "BackupDatabase")
    plex.finish("BackupDatabase")
    await settle(hass)
    lines = render(hass)[1].splitlines()
    assert re.fullmatch(r"12:31 · \[Backup Database\]\(\S+\) · 0:00:00", lines[0])
    assert lines[1] == f"2026-11-23 12:31 · {optimize} {stopped}"


async def test_a_server_with_another_name(
    hass: HomeAssistant, plex: PlexSimulator, socket_enabled: None
) -> None:
    """The dashboard says what to replace."""
    plex.name = "Cellar"
    entry = make_entry(plex)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    now, last = render(hass)
    assert "replace\n`media_server` with the name" in now
    assert last == "—"


async def test_only_the_tasks_of_its_server(
    hass: HomeAssistant, plex: PlexSimulator, live: MockConfigEntry
) -> None:
    async with PlexSimulator(name="Cellar", machine_identifier="c" * 40) as cellar:
        entry = make_entry(cellar)
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        begin(cellar, "OptimizeDatabase")
        await settle(hass)
        running = hass.states.async_entity_ids("sensor")
        assert "running" in {hass.states.get(one).state for one in running}
        assert render(hass)[0] == "Not running"
