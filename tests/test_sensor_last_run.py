"""The sensors of a task's last run, and what they replace."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, EntityCategory
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .common import BACKUP, OF_TASK, OPTIMIZE, Tick, press, states, until
from .simulator import Fault, PlexSimulator

LAST_RUN = f"{OPTIMIZE}_last_run"
LAST_DURATION = f"{OPTIMIZE}_last_duration"
ACTIVITY = "event.media_server_task_activity"
START = {"entity_id": f"button.{OF_TASK}optimize_database_start"}


async def act(
    hass: HomeAssistant, domain: str, action: str, data: dict, context: Context
) -> None:
    await hass.services.async_call(domain, action, data, blocking=True, context=context)


def contexts(hass: HomeAssistant, *entity_ids: str) -> set[str]:
    return {hass.states.get(entity_id).context.id for entity_id in entity_ids}


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_last_run(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    assert states(hass, LAST_RUN, LAST_DURATION) == [STATE_UNKNOWN, STATE_UNKNOWN]
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    freezer.move_to("2026-11-23 03:00:42+00:00")
    assert states(hass, LAST_RUN, LAST_DURATION) == [STATE_UNKNOWN, STATE_UNKNOWN]

    plex.finish("OptimizeDatabase")
    await until(hass, LAST_RUN, "2026-11-23T03:00:42+00:00")
    assert states(hass, LAST_DURATION) == ["42.0"]
    attributes = hass.states.get(LAST_RUN).attributes
    assert attributes["result"] == "finished"
    assert attributes["started"].isoformat() == "2026-11-23T03:00:00+00:00"
    assert "result" not in hass.states.get(LAST_DURATION).attributes


@pytest.mark.usefixtures("live")
async def test_last_run_that_is_too_old(
    hass: HomeAssistant, plex: PlexSimulator, tick: Tick
) -> None:
    """It is dropped when a run of another task ends."""
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, LAST_RUN, LAST_DURATION) != [STATE_UNKNOWN, STATE_UNKNOWN]
    for _ in range(4):
        await tick(25 * 24 * 60 * 60)

    plex.butler.start("BackupDatabase")
    await until(hass, BACKUP, "running")
    plex.finish("BackupDatabase")
    await until(hass, BACKUP, "idle")
    assert states(hass, LAST_RUN, LAST_DURATION) == [STATE_UNKNOWN, STATE_UNKNOWN]


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_last_run_is_kept_over_a_reload(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await press(hass, "optimize_database_start")
    await tick(60)
    plex.finish("OptimizeDatabase")
    await tick(10)
    before = states(hass, LAST_RUN, LAST_DURATION)
    assert before == ["2026-11-23T03:01:10+00:00", "70.0"]

    await hass.config_entries.async_unload(loaded.entry_id)
    assert states(hass, LAST_RUN) == [STATE_UNAVAILABLE]
    await hass.config_entries.async_setup(loaded.entry_id)
    assert states(hass, LAST_RUN, LAST_DURATION) == before


@pytest.mark.freeze_time("2026-11-23 03:00:00+00:00")
async def test_run_cut_off_by_an_outage(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    await plex.stop()  # That ends the run, too.
    await tick(600)
    await plex.start()
    await tick(60)
    assert states(hass, LAST_RUN, LAST_DURATION) == [
        dt_util.utcnow().isoformat(),
        STATE_UNKNOWN,
    ]
    assert hass.states.get(LAST_RUN).attributes["result"] == "unknown"


async def test_registered_as_diagnostic_and_enabled(
    loaded: MockConfigEntry, plex: PlexSimulator, entity_registry: er.EntityRegistry
) -> None:
    for entity_id, key in (LAST_RUN, "last_run"), (LAST_DURATION, "last_duration"):
        entity = entity_registry.async_get(entity_id)
        task = f"{plex.machine_identifier}_OptimizeDatabase"
        assert entity.unique_id == f"{task}_{key}"
        assert entity.entity_category is EntityCategory.DIAGNOSTIC
        assert entity.disabled_by is None


async def test_context_of_a_press(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """It reaches all that the run changes, until the run has ended."""
    for seconds in 60, 70:
        context = Context()
        await act(hass, "button", "press", START, context)
        assert contexts(hass, OPTIMIZE, ACTIVITY) == {context.id}
        await tick(seconds)
        plex.finish("OptimizeDatabase")
        await tick(60)
        assert states(hass, OPTIMIZE) == ["idle"]
        changed = OPTIMIZE, ACTIVITY, LAST_RUN, LAST_DURATION
        assert contexts(hass, *changed) == {context.id}

    plex.butler.start("OptimizeDatabase")
    await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": loaded.entry_id},
        blocking=True,
        return_response=True,
    )
    assert states(hass, OPTIMIZE) == ["running"]
    assert context.id not in contexts(hass, OPTIMIZE, ACTIVITY)


async def test_context_of_a_stop(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.stop_delay = 0
    for domain, action, target in (
        (DOMAIN, "stop_task", {"entity_id": OPTIMIZE}),
        (DOMAIN, "stop_all_tasks", {"config_entry_id": loaded.entry_id}),
        ("button", "press", {"entity_id": "button.media_server_stop_all_tasks"}),
    ):
        await press(hass, "optimize_database_start")
        context = Context()
        await act(hass, domain, action, target, context)
        await tick(1)
        assert states(hass, OPTIMIZE) == ["idle"]
        assert contexts(hass, OPTIMIZE, ACTIVITY, LAST_RUN) == {context.id}


async def test_context_of_a_request_that_failed(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    started_by = Context()
    await act(hass, "button", "press", START, started_by)
    plex.inject(Fault.FORBIDDEN, "/butler/OptimizeDatabase")
    with pytest.raises(HomeAssistantError, match="does not own"):
        await act(hass, DOMAIN, "stop_task", {"entity_id": OPTIMIZE}, Context())
    plex.finish("OptimizeDatabase")
    await tick(1)
    assert states(hass, OPTIMIZE) == ["idle"]
    assert contexts(hass, OPTIMIZE, ACTIVITY, LAST_RUN) == {started_by.id}


async def test_context_of_a_stop_that_changed_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    context = Context()
    await act(hass, DOMAIN, "stop_task", {"entity_id": OPTIMIZE}, context)
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    assert states(hass, OPTIMIZE) == ["running"]
    assert context.id not in contexts(hass, OPTIMIZE, ACTIVITY)


# The sensors of version 0.1


@pytest.mark.parametrize(
    "disabled_by", [None, er.RegistryEntryDisabler.USER], ids=["enabled", "disabled"]
)
async def test_last_finished_lives_on_if_the_user_changed_it(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    disabled_by: er.RegistryEntryDisabler | None,
) -> None:
    for key in "last_started", "last_finished":
        entity_registry.async_get_or_create(
            "sensor",
            DOMAIN,
            f"{plex.machine_identifier}_OptimizeDatabase_{key}",
            config_entry=entry,
            translation_key=key,
            suggested_object_id=f"my_{key}",
            disabled_by=disabled_by,
        )
    await hass.config_entries.async_setup(entry.entry_id)
    sensor = entity_registry.async_get("sensor.my_last_finished")
    assert sensor.unique_id == f"{plex.machine_identifier}_OptimizeDatabase_last_run"
    assert sensor.translation_key == "last_run"
    assert sensor.disabled_by is disabled_by
    assert entity_registry.async_get("sensor.my_last_started") is None
    assert entity_registry.async_get(LAST_RUN) is None


@pytest.mark.parametrize("last_run", [False, True])
async def test_last_finished_is_removed(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    *,
    last_run: bool,
) -> None:
    """It was disabled by default; or an older version has created it once more."""
    task = f"{plex.machine_identifier}_OptimizeDatabase"
    created = {
        "last_finished": None if last_run else er.RegistryEntryDisabler.INTEGRATION,
        **({"last_run": None} if last_run else {}),
    }
    for key, disabled_by in created.items():
        entity_registry.async_get_or_create(
            "sensor",
            DOMAIN,
            f"{task}_{key}",
            config_entry=entry,
            translation_key=key,
            suggested_object_id=f"{OF_TASK}optimize_database_{key}",
            disabled_by=disabled_by,
        )
    await hass.config_entries.async_setup(entry.entry_id)
    assert entity_registry.async_get(f"{OPTIMIZE}_last_finished") is None
    sensor = entity_registry.async_get(LAST_RUN)
    assert (sensor.unique_id, sensor.disabled_by) == (f"{task}_last_run", None)
