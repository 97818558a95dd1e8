"""What the stream adds: to know it the moment it happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
    mock_restore_cache_with_extra_data,
)

from homeassistant.components.sensor import SensorExtraStoredData
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er

from .conftest import OF_TASK, WEBSOCKET, Tick, connect, disable, reads, until
from .simulator import Fault, PlexSimulator, RunShape

BACKUP = f"sensor.{OF_TASK}backup_database"
OPTIMIZE = f"sensor.{OF_TASK}optimize_database"
MAINTENANCE = "binary_sensor.media_server_maintenance"
RUNNING_TASKS = "sensor.media_server_running_tasks"
PROGRESS = "sensor.media_server_progress"
ACTIVITY = "event.media_server_task_activity"


def states(hass: HomeAssistant, *entity_ids: str) -> list[str]:
    return [hass.states.get(entity_id).state for entity_id in entity_ids]


async def caught_up(hass: HomeAssistant, plex: PlexSimulator, mark: int = 42) -> None:
    """Wait until all frames sent so far have been taken in."""
    plex.announce("started", parent(uuid="mark", progress=mark))
    await until(hass, PROGRESS, f"{mark}.0")
    plex.announce("ended", parent(uuid="mark", progress=mark))
    await until(hass, MAINTENANCE, "off")


def parent(**changes: Any) -> dict[str, Any]:
    return {
        "uuid": "parent",
        "type": "butler",
        "cancellable": False,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "",
        "progress": -1,
        **changes,
    }


@pytest.fixture
def activity(hass: HomeAssistant) -> list[dict[str, Any]]:
    """What the event entity tells, as it tells it."""
    told: list[dict[str, Any]] = []

    @callback
    def listen(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == ACTIVITY:
            attributes = event.data["new_state"].attributes
            news = {key: attributes.get(key) for key in TOLD}
            # Coming back from unavailable, it shows the last one again.
            if news["event_type"] and [news] != told[-1:]:
                told.append(news)

    hass.bus.async_listen(EVENT_STATE_CHANGED, listen)
    return told


TOLD = ("event_type", "task_name", "title", "duration")


def started(name: str, title: str) -> dict[str, Any]:
    return dict(zip(TOLD, ("started", name, title, None), strict=True))


def finished(name: str, title: str, duration: float | None) -> dict[str, Any]:
    return dict(zip(TOLD, ("finished", name, title, duration), strict=True))


@pytest.mark.parametrize(
    "shape", [RunShape.SUBTITLE, RunShape.SUB_ACTIVITIES], ids=lambda shape: shape.name
)
async def test_run_started_by_the_server(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
    shape: RunShape,
) -> None:
    plex.requests.clear()
    plex.shape = shape
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["on", "1"]

    freezer.tick(90)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]
    assert activity == [
        started("OptimizeDatabase", "Optimize Database"),
        finished("OptimizeDatabase", "Optimize Database", 90.0),
    ]
    assert plex.requests == []  # it was told all that


async def test_task_too_short_for_any_poll(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
) -> None:
    plex.butler.start("BackupDatabase")
    await until(hass, BACKUP, "running")
    freezer.tick(0.05)
    plex.finish("BackupDatabase")
    await until(hass, BACKUP, "idle")
    assert activity == [
        started("BackupDatabase", "Backup Database"),
        finished("BackupDatabase", "Backup Database", 0.05),
    ]


async def test_button_for_a_task_that_is_over_before_the_answer(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """However the run shows, it is one run, and told of once."""
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=0)
    for plex.shape in RunShape:
        await press(hass, "backup_database_start")
        await tick(1)
        await caught_up(hass, plex)
        assert states(hass, BACKUP) == ["idle"]
        await tick(1)
    assert activity == 3 * [
        started("BackupDatabase", "Backup Database"),
        finished("BackupDatabase", "Backup Database", activity[1]["duration"]),
    ]


async def press(hass: HomeAssistant, button: str) -> None:
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": f"button.{OF_TASK}{button}"},
        blocking=True,
    )


# What was already running, and what was missed


async def test_running_at_start_up_is_no_news(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    activity: list[dict[str, Any]],
) -> None:
    plex.websocket_refusal = None
    plex.inject(Fault.SLOW, WEBSOCKET)
    plex.butler.start("OptimizeDatabase")
    await hass.config_entries.async_setup(entry.entry_id)
    await connect(hass, plex)
    assert states(hass, OPTIMIZE) == ["running"]
    assert activity == []

    freezer.tick(30)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert activity == [finished("OptimizeDatabase", "Optimize Database", None)]


async def test_missed_while_the_stream_was_cut(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    await tick(1)
    plex.inject(Fault.SLOW, WEBSOCKET)
    plex.kick()
    plex.finish("OptimizeDatabase")
    plex.butler.start("CleanOldBundles")
    await until(hass, OPTIMIZE, "idle")
    await until(hass, f"sensor.{OF_TASK}clean_old_bundles", "running")
    assert [told["event_type"] for told in activity] == [
        "started",
        "started",
        "finished",
    ]

    await tick(2)  # until it tries again
    await connect(hass, plex)
    plex.finish("CleanOldBundles")
    await until(hass, f"sensor.{OF_TASK}clean_old_bundles", "idle")


async def test_missed_while_the_server_was_away_for_long(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    activity: list[dict[str, Any]],
) -> None:
    """Nobody knows when that was, so nobody is told."""
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    await plex.stop()
    await until(hass, OPTIMIZE, STATE_UNAVAILABLE)
    for _ in range(3):
        await tick(60)

    plex.inject(Fault.SLOW, WEBSOCKET)
    await plex.start()
    plex.butler.start("CleanOldBundles")
    await tick(60)
    assert states(hass, OPTIMIZE, f"sensor.{OF_TASK}clean_old_bundles") == [
        "idle",
        "running",
    ]
    assert activity == [
        started("OptimizeDatabase", "Optimize Database"),
        finished("OptimizeDatabase", "Optimize Database", None),
    ]


async def test_stream_cut_again_and_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    for _ in range(20):
        plex.inject(Fault.SLOW, WEBSOCKET)
        plex.kick()
        await plex.wait_for_sockets(0)
        await tick(61)
        await connect(hass, plex)
        assert states(hass, OPTIMIZE, MAINTENANCE) == ["running", "on"]
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]


# How often the server is asked


async def test_polls_rarely_while_the_stream_is_up(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    for _ in range(60):
        await tick(60)
    assert len(reads(plex)) == 2 * 12  # the tasks and activities, every five minutes

    plex.websocket_refusal = 404
    plex.kick()
    await plex.wait_for_sockets(0)
    await tick(60)
    await tick(60)
    plex.requests.clear()
    for _ in range(60):
        await tick(61)
    assert len(reads(plex)) == 2 * 60


@pytest.mark.parametrize("refusal", [404, 400, 502, 200])
async def test_server_without_a_websocket(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    refusal: int,
) -> None:
    """It is polled as ever, and that is said once."""
    plex.websocket_refusal = refusal
    await hass.config_entries.async_setup(entry.entry_id)
    await plex.wait_for_request("GET", WEBSOCKET)
    for _ in range(20):
        await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    ours = [r for r in caplog.records if "so it is polled" in r.message]
    assert [record.levelname for record in ours] == ["INFO"]
    assert "WARNING" not in {
        r.levelname for r in caplog.records if r.name.startswith("custom_components")
    }


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_stream_that_will_not_have_us(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
    fault: Fault,
) -> None:
    """Only the list of tasks tells whether the token is good."""
    plex.websocket_refusal = None
    plex.inject(fault, WEBSOCKET)
    await hass.config_entries.async_setup(entry.entry_id)
    await plex.wait_for_request("GET", WEBSOCKET)
    await tick(60)  # the answer has arrived by then
    await tick(60)
    plex.requests.clear()
    for _ in range(5):
        await tick(60)
    assert states(hass, BACKUP) == ["idle"]
    assert len(plex.requests) == len(reads(plex)) == 10
    assert hass.config_entries.flow.async_progress() == []


async def test_dead_peer(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry, tick: Tick
) -> None:
    plex.websocket_refusal = None
    plex.inject(Fault.SLOW, WEBSOCKET)
    await hass.config_entries.async_setup(entry.entry_id)
    await connect(hass, plex)
    plex.requests.clear()
    plex.deaf = True
    await tick(16)
    await tick(8)
    await tick(1)
    await plex.wait_for_request("GET", "/activities")  # it has noticed


async def test_unload_leaves_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.announce("started", parent(progress=1))
    plex.announce("updated", parent(progress=2))
    await until(hass, PROGRESS, "1.0")
    await hass.config_entries.async_unload(live.entry_id)
    await plex.wait_for_sockets(0)
    plex.requests.clear()
    await tick(600)
    assert plex.requests == []


async def test_stream_during_an_outage_brings_nothing_back(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Tasks that cannot be read are not there, whatever the stream says."""
    plex.inject(Fault.SERVER_ERROR, "/butler")
    await tick(301)
    assert states(hass, OPTIMIZE) == [STATE_UNAVAILABLE]
    plex.butler.start("OptimizeDatabase")
    plex.clear_faults()
    await tick(60)
    assert states(hass, OPTIMIZE) == ["running"]


# Progress


async def test_progress_as_plex_counts_it(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]
    plex.notify("preference", "Setting", [{"id": "ButlerStartHour", "value": 3}])
    plex.announce("started", parent())
    await until(hass, MAINTENANCE, "on")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]
    for progress in (100, 83.3, 100, 85.7):
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, str(float(progress)))
        assert states(hass, MAINTENANCE) == ["on"]
        await tick(0.25)
    plex.announce("ended", parent(progress=100))
    await until(hass, MAINTENANCE, "off")
    assert states(hass, PROGRESS) == [STATE_UNKNOWN]


async def test_repeated_frames_write_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.announce("started", parent(progress=7))
    await until(hass, PROGRESS, "7.0")
    await tick(0.25)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(PROGRESS).last_reported
    for _ in range(100):
        plex.announce("updated", parent(progress=7))
    plex.announce("updated", parent(progress=8))
    await until(hass, PROGRESS, "8.0")
    assert [event.data["entity_id"] for event in events] == [PROGRESS]
    assert reported < hass.states.get(PROGRESS).last_reported


async def test_burst_of_frames(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A thousand in a second: four writes a second will do, and the last one is right."""
    plex.announce("started", parent(progress=0))
    await until(hass, PROGRESS, "0.0")
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    for step in range(1, 11):
        for part in range(100):
            plex.announce("updated", parent(progress=(step * 100 + part) / 20))
        # Another kind of change is written at once: all of the burst is in by then.
        plex.announce("started", parent(uuid="sub", title="OptimizeDatabase"))
        await until(hass, OPTIMIZE, "running")
        plex.announce("ended", parent(uuid="sub", title="OptimizeDatabase"))
        await until(hass, OPTIMIZE, "idle")
        freezer.tick(timedelta(seconds=0.1))
        async_fire_time_changed(hass)
    freezer.tick(timedelta(seconds=0.25))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()

    progress = [e for e in events if e.data["entity_id"] == PROGRESS]
    assert len(progress) <= 2 * 10 + 5
    assert states(hass, PROGRESS) == [str(1099 / 20)]


# What ran last


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


async def test_frames_do_not_put_off_the_poll(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """What only a poll can tell is told in time, however much there is to hear."""
    disable(plex, "BackupDatabase")
    plex.announce("started", parent(progress=0))
    for progress in range(1, 7):
        await tick(60)
        plex.announce("updated", parent(progress=progress))
        await until(hass, PROGRESS, f"{progress}.0")
    assert states(hass, BACKUP) == ["disabled"]
