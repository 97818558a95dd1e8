"""The action that returns the history, and the last runs in the list of tasks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.plex import Run
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .common import BACKUP, OPTIMIZE, RUNNING_TASKS, Tick, press, until
from .simulator import Fault, PlexSimulator

NOW = "2026-11-23T12:00:00+00:00"

pytestmark = pytest.mark.freeze_time(NOW)


def report(
    entry: MockConfigEntry,
    name: str,
    started: float | None,
    finished: float | None = None,
    **run: Any,
) -> None:
    """Let a run begin or end, hours from now."""
    moments = (
        None if hours is None else dt_util.utcnow() + timedelta(hours=hours)
        for hours in (started, finished)
    )
    run |= dict(zip(("started", "finished"), moments, strict=True))
    entry.runtime_data.butler.runs.notify([Run(name=name, **run)])


@pytest.fixture
def night(loaded: MockConfigEntry) -> MockConfigEntry:
    """A server that has run two tasks, of which it no longer has one."""
    report(loaded, "BackupDatabase", -40, -39.5)
    report(loaded, "BackupDatabase", -16, -15, observed=True)
    report(loaded, "BackupDatabase", -10, -9, stopped=True)
    report(loaded, "OldTask", -8.01, -8)
    report(loaded, "BackupDatabase", None, -7)
    report(loaded, "OptimizeDatabase", -1, requested=True)
    return loaded


async def get_runs(
    hass: HomeAssistant, entry: MockConfigEntry, **data: Any
) -> dict[str, Any]:
    return await hass.services.async_call(
        DOMAIN,
        "get_runs",
        {"config_entry_id": entry.entry_id, **data},
        blocking=True,
        return_response=True,
    )


def brief(response: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what ran, and when it ended."""
    return [(run["name"], run["finished"]) for run in response["runs"]]


async def test_all_runs(hass: HomeAssistant, night: MockConfigEntry) -> None:
    response = await get_runs(hass, night)
    assert brief(response) == [
        ("OptimizeDatabase", None),
        ("BackupDatabase", "2026-11-23T05:00:00+00:00"),
        ("OldTask", "2026-11-23T04:00:00+00:00"),
        ("BackupDatabase", "2026-11-23T03:00:00+00:00"),
        ("BackupDatabase", "2026-11-22T21:00:00+00:00"),
        ("BackupDatabase", "2026-11-21T20:30:00+00:00"),
    ]
    running, _, _, stopped, finished, _ = response["runs"]
    assert running == {
        "name": "OptimizeDatabase",
        "title": "Optimize Database",
        "started": "2026-11-23T11:00:00+00:00",
        "finished": None,
        "duration": None,
        "result": None,
        "observed": False,
        "source": "home_assistant",
    }
    assert finished == {
        "name": "BackupDatabase",
        "title": "Backup Database",
        "started": "2026-11-22T20:00:00+00:00",
        "finished": "2026-11-22T21:00:00+00:00",
        "duration": 3600,
        "result": "finished",
        "observed": True,
        "source": "server",
    }
    assert stopped["result"] == "stopped"
    assert response["tasks"] == [
        {
            "name": "OptimizeDatabase",
            "title": "Optimize Database",
            "count": 1,
            "total_duration": 0,
            "median_duration": None,
        },
        {
            "name": "BackupDatabase",
            "title": "Backup Database",
            "count": 4,
            "total_duration": 9000,
            "median_duration": 3600,
        },
        {
            "name": "OldTask",
            "title": "Old task",
            "count": 1,
            "total_duration": 36,
            "median_duration": 36,
        },
    ]


@pytest.mark.parametrize(
    ("period", "hours"),
    [
        ({"last": {"hours": 8}}, [None, 5, 4]),
        ({"last": {"minutes": 20}}, [None]),
        ({"since": "2026-11-23T05:00:00+00:00"}, [None, 5]),
        # In the time zone of Home Assistant, which is 8 hours behind
        ({"since": "2026-11-22 21:00:00"}, [None, 5]),
        ({"until": "2026-11-23T10:00:00+00:00", "last": {"hours": 6}}, [5, 4]),
        (
            {
                "since": "2026-11-22T21:00:01+00:00",
                "until": "2026-11-23T03:30:00+00:00",
            },
            [3],
        ),
        ({"until": "2026-11-23T05:00:00+00:00", "last": "00:30:00"}, []),
        ({"since": "2026-11-24T05:00:00+00:00"}, [None]),
        ({"since": NOW, "until": "2026-11-23T03:00:00+00:00"}, []),
    ],
)
async def test_runs_of_a_period(
    hass: HomeAssistant,
    night: MockConfigEntry,
    period: dict[str, Any],
    hours: list[int | None],
) -> None:
    response = await get_runs(hass, night, **period)
    ended = [hour and f"2026-11-23T{hour:02}:00:00+00:00" for hour in hours]
    assert [run["finished"] for run in response["runs"]] == ended


async def test_runs_since_before_time_began(
    hass: HomeAssistant, night: MockConfigEntry
) -> None:
    response = await get_runs(hass, night, last={"days": 1_000_000})
    assert response == await get_runs(hass, night)


@pytest.mark.parametrize("last", [{"hours": 1}, {"days": 1_000_000}])
async def test_runs_at_the_beginning_of_the_calendar(
    hass: HomeAssistant, night: MockConfigEntry, last: dict[str, int]
) -> None:
    response = await get_runs(hass, night, until="0001-01-01T00:00:00+00:00", last=last)
    assert response["runs"] == []


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]
)
@pytest.mark.parametrize("key", ["since", "until"])
async def test_moment_beyond_the_calendar(
    hass: HomeAssistant, night: MockConfigEntry, key: str, moment: str
) -> None:
    with pytest.raises(vol.Invalid, match="not a date of the calendar"):
        await get_runs(hass, night, **{key: moment})


async def test_from_either_a_moment_or_a_time_ago(
    hass: HomeAssistant, night: MockConfigEntry
) -> None:
    with pytest.raises(vol.Invalid, match="at most one of"):
        await get_runs(hass, night, since=NOW, last={"hours": 1})


@pytest.mark.parametrize(
    ("tasks", "names"),
    [
        (OPTIMIZE, {"OptimizeDatabase"}),
        ([OPTIMIZE, "OldTask"], {"OptimizeDatabase", "OldTask"}),
        ("BackupDatabase", {"BackupDatabase"}),
        (["RefreshLibraries", BACKUP], {"BackupDatabase"}),
    ],
)
async def test_runs_of_some_tasks(
    hass: HomeAssistant, night: MockConfigEntry, tasks: Any, names: set[str]
) -> None:
    response = await get_runs(hass, night, tasks=tasks)
    assert {run["name"] for run in response["runs"]} == names
    counts = {task["name"]: task["count"] for task in response["tasks"]}
    assert {name for name, count in counts.items() if count} == names
    assert len(counts) == len(tasks if isinstance(tasks, list) else [tasks])


@pytest.mark.parametrize(
    ("task", "key", "match"),
    [
        (RUNNING_TASKS, "not_a_task", RUNNING_TASKS),
        ("sensor.elsewhere", "not_a_task", "sensor.elsewhere"),
        ("sensor.of_another_server", "not_a_task", "sensor.of_another_server"),
        ("AudioAnalysis", "unknown_task_name", "has no task AudioAnalysis.*BackupDat"),
    ],
)
async def test_tasks_that_are_none(
    hass: HomeAssistant,
    night: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    task: str,
    key: str,
    match: str,
) -> None:
    other = MockConfigEntry(domain=DOMAIN)
    other.add_to_hass(hass)
    entity_registry.async_get_or_create(
        "sensor",
        DOMAIN,
        "other_BackupDatabase_status",
        config_entry=other,
        translation_key="task",
        suggested_object_id="of_another_server",
    )
    with pytest.raises(ServiceValidationError, match=match) as raised:
        await get_runs(hass, night, tasks=[BACKUP, task])
    assert raised.value.translation_key == key


async def test_last_runs_of_the_tasks(
    hass: HomeAssistant, night: MockConfigEntry
) -> None:
    response = await hass.services.async_call(
        DOMAIN,
        "get_butler_tasks",
        {"config_entry_id": night.entry_id},
        blocking=True,
        return_response=True,
    )
    tasks = {task["name"]: task for task in response["tasks"]}

    def last(name: str) -> list[Any]:
        return [tasks[name][f"last_{key}"] for key in ("run", "duration", "result")]

    assert last("BackupDatabase") == ["2026-11-23T05:00:00+00:00", None, "finished"]
    assert last("OptimizeDatabase") == [None, None, None]


async def test_runs_as_they_are_seen(
    hass: HomeAssistant, loaded: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """One is started from here, and one by the server."""
    await press(hass, "backup_database_start")
    plex.butler.start("OptimizeDatabase")
    await tick(1)
    await tick(1)
    response = await get_runs(hass, loaded)
    assert {(run["name"], run["source"]) for run in response["runs"]} == {
        ("BackupDatabase", "home_assistant"),
        ("OptimizeDatabase", "server"),
    }


async def test_source_of_a_run_that_is_over_before_the_answer(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    backup = plex.tasks["BackupDatabase"]
    plex.tasks["BackupDatabase"] = replace(backup, duration=0)
    plex.inject(Fault.SLOW, "/butler/BackupDatabase")
    pressing = hass.async_create_task(press(hass, "backup_database_start"))
    await plex.wait_for_request("POST", "/butler/BackupDatabase")
    plex.butler.start("BackupDatabase")
    await until(hass, f"{BACKUP}_last_run", NOW)
    plex.clear_faults()
    await pressing
    await tick(1)
    *_, run = (await get_runs(hass, live))["runs"]
    assert run["source"] == "home_assistant"


def types(value: Any) -> set[type]:
    """Return the types in a response."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return set().union(*map(types, value))
    return {type(value)}


async def test_templates_can_use_responses(
    hass: HomeAssistant, night: MockConfigEntry
) -> None:
    """A template that returns members of an enum returns text, not a list."""
    found = types(await get_runs(hass, night))
    for action, data in (
        ("get_butler_tasks", {"config_entry_id": night.entry_id}),
        ("start_task", {"entity_id": OPTIMIZE}),
        ("stop_task", {"entity_id": OPTIMIZE}),
    ):
        found |= types(
            await hass.services.async_call(
                DOMAIN, action, data, blocking=True, return_response=True
            )
        )
    assert found == {str, float, int, bool, type(None)}
