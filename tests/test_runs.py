"""start_task that waits: back up, then optimise, then tell me."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex import Run
from custom_components.plex_butler.runs import RunFeed
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .common import BACKUP, OPTIMIZE, Tick, settle, start_and_wait, until
from .simulator import Fault, PlexSimulator, RowMode, RunShape

RUN = "/butler/OptimizeDatabase"


async def begun(hass: HomeAssistant, waiting: Any) -> None:
    """Return when the task has been started and is waited for."""
    await until(hass, OPTIMIZE, "running")
    assert not waiting.done()


async def test_finished(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    started = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    freezer.tick(90)
    plex.finish("OptimizeDatabase")
    run = (await waiting)[OPTIMIZE]
    assert run["result"] == "finished"
    assert run["duration"] == 90.0
    assert run["observed"] is True
    taken = datetime.fromisoformat(run["finished"]) - datetime.fromisoformat(
        run["started"]
    )
    assert taken.total_seconds() == 90.0
    assert datetime.fromisoformat(run["started"]) > started


@pytest.mark.parametrize("shape", list(RunShape), ids=lambda shape: shape.name)
async def test_over_before_the_answer(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    shape: RunShape,
) -> None:
    plex.shape = shape
    plex.tasks["OptimizeDatabase"] = replace(plex.tasks["OptimizeDatabase"], duration=0)
    run = (await start_and_wait(hass, OPTIMIZE))[OPTIMIZE]
    assert type(run["result"]) is str  # Templates cannot use members of enums.
    assert run["result"] == "finished"
    assert run["observed"] is True


async def test_never_seen(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """Without the stream a short task is not seen; a read that finds nothing ends it."""
    plex.tasks["OptimizeDatabase"] = replace(plex.tasks["OptimizeDatabase"], duration=0)
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    await tick(1)
    run = (await waiting)[OPTIMIZE]
    assert run["result"] == "finished"
    assert run["observed"] is False


async def test_polled(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    for _ in range(5):
        await tick(11)
        assert not waiting.done()
    plex.finish("OptimizeDatabase")
    await tick(11)
    run = (await waiting)[OPTIMIZE]
    assert (run["result"], run["observed"]) == ("finished", True)


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.GATEWAY_TIMEOUT]
)
async def test_answers_that_fail_meanwhile(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: PlexSimulator,
    tick: Tick,
    fault: Fault,
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    plex.inject(fault, "/butler", times=2)
    for _ in range(2):
        await tick(61)
        await begun(hass, waiting)
    plex.finish("OptimizeDatabase")
    await tick(61)
    assert (await waiting)[OPTIMIZE]["result"] == "finished"


async def test_already_running(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is waited for, but it is not our run."""
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    freezer.tick(60)
    waiting = start_and_wait(hass, OPTIMIZE)
    await settle(hass)
    assert not waiting.done()
    plex.finish("OptimizeDatabase")
    run = (await waiting)[OPTIMIZE]
    assert (run["result"], run["duration"]) == ("already_running", 60.0)


async def test_an_earlier_run_ends_while_ours_is_asked_for(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    plex.butler.start("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    freezer.tick(60)
    plex.inject(Fault.SLOW, RUN)
    waiting = start_and_wait(hass, OPTIMIZE)
    await settle(hass)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")

    plex.clear_faults()
    await begun(hass, waiting)
    freezer.tick(5)
    plex.finish("OptimizeDatabase")
    run = (await waiting)[OPTIMIZE]
    assert (run["result"], run["duration"]) == ("finished", 5.0)


async def test_an_earlier_run_that_is_not_known_to_be_over(
    hass: HomeAssistant,
    plex: PlexSimulator,
    entry: MockConfigEntry,
    tick: Tick,
) -> None:
    """It was running when Home Assistant started, and the row at 100 % may be a pause."""
    plex.websocket_refusal = None
    plex.row_mode, plex.shape = RowMode.FOREVER, RunShape.SUBTITLE
    plex.butler.start("OptimizeDatabase")
    await hass.config_entries.async_setup(entry.entry_id)
    await until(hass, OPTIMIZE, "running")
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "running")
    await tick(1)

    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    await tick(3)
    plex.finish("OptimizeDatabase")
    await settle(hass)
    await tick(5)
    run = (await waiting)[OPTIMIZE]
    assert (run["result"], run["duration"]) == ("finished", 3.0)


async def test_an_earlier_run_that_ended_while_no_poll_succeeded(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.butler.start("OptimizeDatabase")
    await tick(60)
    await until(hass, OPTIMIZE, "running")
    plex.inject(Fault.SERVER_ERROR, "/butler", times=2)
    await tick(5)
    await tick(60)
    await tick(50)
    plex.finish("OptimizeDatabase")

    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    await tick(11)
    await begun(hass, waiting)
    plex.finish("OptimizeDatabase")
    await tick(11)
    run = (await waiting)[OPTIMIZE]
    assert (run["result"], run["duration"]) == ("finished", 22.0)


async def test_timed_out(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE, timeout={"minutes": 5})
    await begun(hass, waiting)
    await tick(299)
    assert not waiting.done()
    await tick(2)
    run = (await waiting)[OPTIMIZE]
    assert run["result"] == "timed_out"
    assert run["started"]
    assert (run["finished"], run["duration"]) == (None, None)
    assert hass.states.get(OPTIMIZE).state == "running"


@pytest.mark.parametrize(
    ("action", "target"),
    [("stop_task", {"entity_id": OPTIMIZE}), ("stop_all_tasks", None)],
)
async def test_stopped(
    hass: HomeAssistant,
    live: MockConfigEntry,
    plex: PlexSimulator,
    action: str,
    target: dict[str, str] | None,
) -> None:
    plex.stop_delay = 0
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    data = target or {"config_entry_id": live.entry_id}
    await hass.services.async_call(DOMAIN, action, data, blocking=True)
    assert (await waiting)[OPTIMIZE]["result"] == "stopped"

    # The next run is not the one that was stopped.
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    plex.finish("OptimizeDatabase")
    assert (await waiting)[OPTIMIZE]["result"] == "finished"


async def test_stopped_before_the_answer(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    plex.inject(Fault.SLOW, RUN)
    stop = asyncio.create_task(
        hass.services.async_call(
            DOMAIN, "stop_task", {"entity_id": OPTIMIZE}, blocking=True
        )
    )
    await settle(hass)
    plex.finish("OptimizeDatabase")
    assert (await waiting)[OPTIMIZE]["result"] == "stopped"
    plex.clear_faults()
    await stop


async def test_stop_that_failed(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    plex.inject(Fault.SERVER_ERROR, RUN)
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(
            DOMAIN, "stop_task", {"entity_id": OPTIMIZE}, blocking=True
        )
    plex.finish("OptimizeDatabase")
    assert (await waiting)[OPTIMIZE]["result"] == "finished"


async def test_several_together(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.tasks["BackupDatabase"] = replace(plex.tasks["BackupDatabase"], duration=None)
    waiting = start_and_wait(hass, BACKUP, OPTIMIZE)
    await until(hass, BACKUP, "running")
    await begun(hass, waiting)
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")
    assert not waiting.done()
    plex.finish("BackupDatabase")
    runs = await waiting
    assert {entity_id: run["result"] for entity_id, run in runs.items()} == {
        BACKUP: "finished",
        OPTIMIZE: "finished",
    }


async def test_unloaded_meanwhile(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    await hass.config_entries.async_unload(live.entry_id)
    with pytest.raises(HomeAssistantError, match="was unloaded") as raised:
        await waiting
    assert raised.value.translation_key == "unloaded"


async def test_server_lost_meanwhile(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    await plex.stop()
    with pytest.raises(HomeAssistantError, match="cannot be reached"):
        await waiting


async def test_wait_that_begins_after_an_outage(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """A good poll fails nobody, whatever the last bad one said."""
    await plex.stop()
    await tick(60)
    await plex.start()
    await tick(60)
    waiting = start_and_wait(hass, OPTIMIZE)
    await begun(hass, waiting)
    await tick(11)
    assert not waiting.done()
    plex.finish("OptimizeDatabase")
    await tick(11)
    assert (await waiting)[OPTIMIZE]["result"] == "finished"


async def test_poll_that_fails_before_the_start_is_answered(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.inject(Fault.SERVER_ERROR, "/butler", times=3)
    await tick(60)
    await tick(60)
    await tick(50)
    plex.inject(Fault.SLOW, RUN)
    waiting = start_and_wait(hass, OPTIMIZE)
    await settle(hass)
    await tick(12)
    await until(hass, OPTIMIZE, "unavailable")

    plex.clear_faults()
    await settle(hass)
    await tick(1)
    await begun(hass, waiting)
    plex.finish("OptimizeDatabase")
    await tick(11)
    assert (await waiting)[OPTIMIZE]["result"] == "finished"


async def test_unloaded_before_the_start_is_answered(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator
) -> None:
    plex.inject(Fault.SLOW, RUN)
    waiting = start_and_wait(hass, OPTIMIZE)
    await settle(hass)
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.clear_faults()
    with pytest.raises(HomeAssistantError) as raised:
        await waiting
    assert raised.value.translation_key == "unloaded"


async def test_script_stopped_meanwhile(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator
) -> None:
    """Nobody waits any more; the task itself goes on."""
    await async_setup_component(
        hass,
        "script",
        {
            "script": {
                "night": {
                    "sequence": {
                        "action": "plex_butler.start_task",
                        "target": {"entity_id": OPTIMIZE},
                        "data": {"wait_for_completion": True},
                    }
                }
            }
        },
    )
    await hass.services.async_call("script", "night", context=Context())
    await until(hass, OPTIMIZE, "running")
    await hass.services.async_call("script", "turn_off", {"entity_id": "script.night"})
    await until(hass, "script.night", "off")
    assert hass.states.get(OPTIMIZE).state == "running"
    plex.finish("OptimizeDatabase")
    await until(hass, OPTIMIZE, "idle")


def test_listener_that_unsubscribes_while_it_is_called() -> None:
    feed = RunFeed()
    received: list[Run] = []
    unsubscribe = feed.subscribe(lambda _: unsubscribe())
    feed.subscribe(received.append)
    run = Run(name="OptimizeDatabase", started=None)
    feed.notify([run])
    assert received == [run]


def test_queue_receives_nothing_after_its_block() -> None:
    feed = RunFeed()
    with feed.queue() as queue:
        pass
    feed.notify([Run(name="OptimizeDatabase", started=None)])
    feed.fail(HomeAssistantError())
    assert queue.empty()
