"""What a run of the simulated Butler looks like from outside."""

from typing import Any

import pytest

from tests.simulator import PlexSimulator, RunShape

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
    assert xml[0].get("progress") == "-1"
    assert [child.tag for child in xml[0]] == ["Context"]


async def test_progress_jumps_and_100_is_not_the_end(
    plex: PlexSimulator, ask: Client
) -> None:
    seen: list[float] = []
    plex.tasks = {task.name: task for task in three()}
    plex.butler.listeners.append(lambda: seen.append(plex.butler.progress))
    await ask("POST", "/butler/Off")
    first = (await ask.activities())[0]
    await ask("POST", "/butler")
    plex.finish("A")
    plex.finish("B")
    plex.finish("C")
    last = (await ask.activities())[0]

    assert (first["progress"], last["progress"]) == (-1, 100)
    assert seen == [-1, -1, -1, 100, 50, 100, 66.7, 100]
    assert first["uuid"] == last["uuid"]
    plex.finish("Off")
    await ask("POST", "/butler/A")
    after = (await ask.activities())[0]
    assert after["progress"] == -1
    assert after["uuid"] != first["uuid"]


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
