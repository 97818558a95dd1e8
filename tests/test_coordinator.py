"""How often a server is asked, and what is made of its answers."""

from collections import Counter
from itertools import cycle, pairwise
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed_exact,
)

from custom_components.plex_butler.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .common import (
    BACKUP,
    MAINTENANCE,
    OF_TASK,
    OPTIMIZE,
    PROGRESS,
    RUNNING_TASKS,
    START,
    Tick,
    disable,
    parent,
    press,
    reads,
    settle,
    states,
    until,
)
from .simulator import Fault, PlexSimulator
from .simulator.notifications import frame


async def test_polls_every_minute_when_idle(
    loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.requests.clear()
    await tick(58)
    assert reads(plex) == []
    await tick(3)
    assert [request.raw_path for request in reads(plex)] == ["/butler", "/activities"]


async def test_polls_every_five_seconds_while_a_task_runs(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(61)
    assert hass.states.get(f"sensor.{OF_TASK}optimize_database").state == "running"

    plex.requests.clear()
    await tick(3)
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


@pytest.mark.freeze_time("2026-07-08 19:30:00+00:00")  # No window opens or closes.
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


async def test_repeated_frames_write_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.announce("started", parent(progress=7))
    await until(hass, PROGRESS, "7.0")
    await tick(1)
    await tick(5)
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    reported = hass.states.get(PROGRESS).last_reported
    for _ in range(100):
        plex.announce("updated", parent(progress=7))
    plex.announce("updated", parent(progress=8))
    await until(hass, PROGRESS, "8.0")
    assert [event.data["entity_id"] for event in events] == [PROGRESS]
    assert reported < hass.states.get(PROGRESS).last_reported


@pytest.mark.parametrize(
    "progress",
    [[3, 5, 8, 13, 21, 34, 55], [100, 83, 100, 86, 100, 88]],
    ids=["rising", "as_plex_counts_it"],
)
async def test_progress_is_written_every_five_seconds(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    progress: list[int],
) -> None:
    """Ten frames a second for 42 seconds, and nothing but the progress changes."""
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    optimizing = {"subtitle": "Optimize Database"}
    plex.announce("started", parent(progress=0, **optimizing))
    await until(hass, PROGRESS, "0.0")
    await until(hass, OPTIMIZE, "running")
    for number, percent in zip(range(420), cycle(progress), strict=False):
        plex.announce("updated", parent(progress=percent, **optimizing))
        if number % 5 == 0:
            await settle(hass)
            await tick(0.5)
    written = Counter(event.data["entity_id"] for event in events)
    assert written.pop(PROGRESS) == 1 + 42 // 5
    assert set(written.values()) == {1}

    plex.announce("updated", parent(progress=99, **optimizing))
    plex.announce("ended", parent(progress=99, **optimizing))
    await until(hass, PROGRESS, STATE_UNKNOWN)
    assert states(hass, OPTIMIZE, MAINTENANCE) == ["idle", "off"]


async def test_read_that_changes_only_when_to_look_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A task is at 100 %, which the server has not pushed."""
    backup = parent(uuid="sub", type="butler.task", title="BackupDatabase", progress=50)
    plex.activities.append(backup)
    plex.announce("started", backup)
    await until(hass, BACKUP, "running")
    backup["progress"] = 100
    await tick(1)
    await live.runtime_data.butler.async_refresh()
    assert states(hass, BACKUP) == ["running"]
    await tick(6)
    assert states(hass, BACKUP) == ["idle"]


@pytest.fixture
def moments(hass: HomeAssistant) -> list[float]:
    """The moments at which states were written (time of the loop), each once."""
    moments: list[float] = []

    @callback
    def note(_event: Event[Any]) -> None:
        if moments[-1:] != [hass.loop.time()]:
            moments.append(hass.loop.time())

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    return moments


def optimizing(event: str) -> dict[str, Any]:
    """Return what is pushed when a task starts or ends, in few words."""
    return {"event": event, "Activity": {"uuid": "sub", "title": "OptimizeDatabase"}}


@pytest.mark.parametrize("last", ["started", "ended"])
async def test_huge_frame(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    moments: list[float],
    last: str,
) -> None:
    """All of it is one change, of which the last state counts."""
    rows = [optimizing(event) for _ in range(5500) for event in ("started", "ended")]
    rows += [optimizing("started")] * (last == "started")
    plex.notify("activity", "ActivityNotification", rows)
    await until(hass, OPTIMIZE, "running" if last == "started" else "idle")
    assert len(moments) == (last == "started")


async def test_flood_of_frames(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
    moments: list[float],
) -> None:
    """A task that starts and ends 200 times a second, for five seconds."""
    toggle = [
        frame("activity", "ActivityNotification", [optimizing(event)])
        for event in ("started", "ended")
    ]
    for _ in range(100):
        for text in 10 * toggle:
            plex.send_frame(text)
        await settle(hass)
        freezer.tick(0.05)
        async_fire_time_changed_exact(hass)
        await settle(hass)
    assert 20 <= len(moments) <= 8 + 20
    assert all(later - earlier > 0.249 for earlier, later in pairwise(moments[8:]))
    assert states(hass, OPTIMIZE, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]

    # An action is shown at once.
    await press(hass, "optimize_database_start")
    assert states(hass, OPTIMIZE) == ["running"]


async def test_frames_of_others_delay_nothing(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    for number in range(1000):
        other = parent(uuid="scan", type="library.update.section", title="Scanning")
        plex.announce("updated", {**other, "progress": number % 100})
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")


async def test_another_server_at_the_address(
    hass: HomeAssistant, plex: PlexSimulator, entry: MockConfigEntry
) -> None:
    plex.machine_identifier = "f" * 40
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "wrong_server"
    assert {(r.raw_path, r.token) for r in plex.requests} == {("/identity", None)}


async def test_another_server_after_an_outage(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    await plex.stop()
    await tick(60)
    right, plex.machine_identifier = plex.machine_identifier, "f" * 40
    await plex.start()
    await tick(60)
    assert hass.states.get(BACKUP).state == STATE_UNAVAILABLE

    plex.machine_identifier = right
    await tick(60)
    assert hass.states.get(BACKUP).state == "idle"


# Tests fire timers up to half a second early.
@pytest.mark.parametrize("seconds", [0.3, 0.4])
async def test_refresh_is_not_put_off(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    seconds: float,
) -> None:
    """Presses that follow each other closely do not delay what they show."""
    disable(plex, "OptimizeDatabase")
    for _ in range(6):
        await press(hass, "backup_database_stop")
        await tick(seconds)
    assert states(hass, OPTIMIZE) == ["disabled"]

    await press(hass, "backup_database_stop")
    disable(plex, "BackupDatabase")
    await tick(1)
    await tick(1)
    assert states(hass, BACKUP) == ["disabled"]


async def test_refresh_after_the_last_of_several_presses(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    for _ in range(2):
        await press(hass, "backup_database_stop")
        await tick(0.3)
    disable(plex, "BackupDatabase")
    await tick(1)
    assert states(hass, BACKUP) == ["disabled"]

    plex.requests.clear()
    for _ in range(3):
        await tick(1)
    assert reads(plex) == []


async def test_refresh_after_settings_that_change_again_and_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    for hour in (3, 4, 5, 6, 7, 1):
        plex.change_settings(ButlerStartHour=str(hour), ButlerTaskBackupDatabase="0")
        await settle(hass)
        await tick(0.4)
    assert states(hass, BACKUP) == ["disabled"]
    await tick(1)
    assert states(hass, START) == ["01:00"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.UNAUTHORIZED,
        Fault.FORBIDDEN,
        Fault.NOT_FOUND,
        Fault.MAINTENANCE,
        Fault.SERVER_ERROR,
        Fault.HTML,
        Fault.DROP,
        Fault.REDIRECT_ELSEWHERE,
    ],
)
async def test_activities_that_cannot_be_read(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    """What runs is unknown, and the tasks can be used."""
    plex.inject(fault, "/activities")
    await tick(61)
    assert states(hass, BACKUP, MAINTENANCE, RUNNING_TASKS) == ["idle", "off", "0"]
    await tick(61)
    assert states(hass, BACKUP, MAINTENANCE, RUNNING_TASKS) == [
        "idle",
        STATE_UNKNOWN,
        STATE_UNKNOWN,
    ]
    await press(hass, "backup_database_start")
    assert plex.started == ["BackupDatabase"]
    assert states(hass, BACKUP, MAINTENANCE, RUNNING_TASKS) == ["running", "on", "1"]
    plex.finish("BackupDatabase")
    await tick(61)
    await tick(61)
    assert states(hass, BACKUP, MAINTENANCE) == ["idle", STATE_UNKNOWN]
    assert caplog.text.count("The activities of Media Server cannot be read") == 1

    plex.clear_faults()
    await tick(61)
    assert states(hass, MAINTENANCE, RUNNING_TASKS) == ["off", "0"]
    plex.inject(fault, "/activities")
    await tick(61)
    assert caplog.text.count("The activities of Media Server cannot be read") == 2


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.SERVER_ERROR, Fault.HTML]
)
async def test_a_name_that_cannot_be_read(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    """The server is named like its entry."""
    plex.inject(fault, "/")
    hass.config_entries.async_update_entry(entry, title="Cellar")
    assert await hass.config_entries.async_setup(entry.entry_id)
    (device,) = device_registry.async_get_devices(
        identifiers={(DOMAIN, plex.machine_identifier)}
    )
    assert device.name == "Cellar"
    assert caplog.text.count("The name of Cellar cannot be read") == 1


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.HTML])
async def test_settings_that_cannot_be_read(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    plex.inject(fault, "/:/prefs")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert states(hass, BACKUP, MAINTENANCE) == ["idle", "off"]
    assert caplog.text.count("The settings of Media Server cannot be read") == 1
    assert hass.config_entries.flow.async_progress() == []
