"""What a run of the simulated Butler looks like from outside."""

from typing import Any

import pytest

from tests.simulator import PlexSimulator, RowMode, RunShape

from .client import OPTIMIZE, Client, three

ACTIVITY_FIELDS = [
    "uuid",
    "type",
    "cancellable",
    "userID",
    "title",
    "subtitle",
    "progress",
    "Context",
]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (RunShape.PARENT_ONLY, [("Butler tasks", "")]),
        (RunShape.SUBTITLE, [("Butler tasks", "Optimize Database")]),
        (RunShape.SUB_ACTIVITIES, [("Butler tasks", ""), (OPTIMIZE, "")]),
        (RunShape.BOTH, [("Butler tasks", "Optimize Database"), (OPTIMIZE, "")]),
    ],
)
async def test_shapes(
    plex: PlexSimulator,
    ask: Client,
    shape: RunShape,
    expected: list[tuple[str, str]],
) -> None:
    plex.shape = shape
    await ask("POST", f"/butler/{OPTIMIZE}")

    activities = await ask.activities()
    xml = (await ask("GET", "/activities", headers={})).xml

    assert [(item["title"], item["subtitle"]) for item in activities] == expected
    assert all(list(item) == ACTIVITY_FIELDS for item in activities)
    assert {item["type"] for item in activities} == {"butler"}
    assert (xml.tag, xml.get("size")) == ("MediaContainer", str(len(expected)))
    assert [(item.get("title"), item.get("subtitle")) for item in xml] == expected
    assert xml[0].get("cancellable") == "0"
    assert xml[0].get("progress") == "0"
    assert [child.tag for child in xml[0]] == ["Context"]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (0, [0, 50, 100, 67, 100, 75, 100]),
        (5, [83, 71, 86, 100, 88, 100, 89, 100]),
        # With so many, it takes two more to move the rounded figure.
        (300, [100, 99, 100]),
    ],
)
async def test_progress_is_tasks_done_of_those_registered(
    plex: PlexSimulator, ask: Client, before: int, expected: list[float]
) -> None:
    seen = [-1.0]
    plex.registered_before = before
    plex.tasks = {task.name: task for task in three()}

    def note() -> None:
        if plex.butler.progress != seen[-1]:
            seen.append(plex.butler.progress)

    plex.butler.listeners.append(note)
    await ask("POST", "/butler/Off")
    first = (await ask.activities())[0]
    await ask("POST", "/butler")
    plex.finish("Off")
    plex.finish("A")
    plex.finish("B")
    plex.finish("C")

    assert (first["progress"], seen[1:]) == (expected[0], expected)
    await ask("POST", "/butler/A")
    again = (await ask.activities())[0]
    assert again["progress"] == expected[0]
    assert again["uuid"] != first["uuid"]


async def test_row_is_there_as_long_as_its_mode_says(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.shape = RunShape.SUBTITLE
    plex.hour = 3
    assert await ask.activities() == []
    plex.row_mode = RowMode.WINDOW
    [before] = await ask.activities()
    await ask("POST", f"/butler/{OPTIMIZE}")
    plex.finish(OPTIMIZE)
    [after] = await ask.activities()
    assert (before["progress"], before["subtitle"]) == (100, "")
    # It names the last task while nothing is at work.
    assert (after["progress"], after["subtitle"]) == (100, "Optimize Database")
    assert before["uuid"] == after["uuid"]

    plex.hour = 12
    assert await ask.activities() == []
    await ask("POST", f"/butler/{OPTIMIZE}")
    assert len(await ask.activities()) == 1
    plex.finish(OPTIMIZE)
    assert await ask.activities() == []

    plex.row_mode = RowMode.FOREVER
    assert len(await ask.activities()) == 1


@pytest.mark.parametrize(
    ("as_list", "expected"),
    [(False, {"size": 0}), (True, {"size": 0, "Activity": []})],
)
async def test_idle(
    plex: PlexSimulator, ask: Client, *, as_list: bool, expected: dict[str, Any]
) -> None:
    plex.empty_activity_list = as_list

    assert (await ask("GET", "/activities")).json == {"MediaContainer": expected}
    assert len((await ask("GET", "/activities", headers={})).xml) == 0


async def test_foreign_activities(plex: PlexSimulator, ask: Client) -> None:
    scan = {"type": "library.update.section", "title": "Scanning", "limit": None}
    plex.activities += [scan, "malformed"]
    await ask("POST", f"/butler/{OPTIMIZE}")

    assert (await ask.activities())[2:] == [scan, "malformed"]
    xml = (await ask("GET", "/activities", headers={})).xml
    assert xml[2].attrib == {"type": "library.update.section", "title": "Scanning"}
