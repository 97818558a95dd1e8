"""What those hear who listen to the simulated server."""

from collections.abc import Iterable
import json
from typing import Any

import pytest

from tests.simulator import PlexSimulator, RunShape, SimulatedTask

from .client import BACKUP, OPTIMIZE, Client, heard, three

PARENT = "Butler tasks"
SCAN = {
    "uuid": "of-a-scan",
    "type": "library.update.section",
    "title": "Scanning",
    "Context": {"librarySectionID": "1"},
}


def _rows(frames: Iterable[str]) -> list[dict[str, Any]]:
    """Return what frames tell of activities."""
    rows = []
    for frame in frames:
        container = json.loads(frame)["NotificationContainer"]
        assert container["type"] == "activity"
        assert container["size"] == 1
        rows += container["ActivityNotification"]
    assert all(row["uuid"] == row["Activity"]["uuid"] for row in rows)
    return rows


def _told(frames: Iterable[str]) -> list[tuple[Any, ...]]:
    return [
        (row["event"], *(row["Activity"][key] for key in ("title", "subtitle")))
        for row in _rows(frames)
    ]


async def test_frame_is_worded_as_plex_words_it(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.shape = RunShape.PARENT_ONLY
    async with ask.listen() as websocket:
        plex.butler.start(OPTIMIZE)
        (frame,) = await heard(plex, websocket)

    uuid = plex.run_activities[0]["uuid"]
    assert frame == (
        '{"NotificationContainer": {"type": "activity", "size": 1,'
        ' "ActivityNotification": [{"event": "started",'
        f' "uuid": "{uuid}", "Activity": {{"uuid": "{uuid}",'
        ' "type": "butler", "cancellable": false, "userID": 1,'
        ' "title": "Butler tasks", "subtitle": "", "progress": 0}}]}}'
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (
            RunShape.PARENT_ONLY,
            [
                ("started", PARENT, "", 0),
                ("updated", PARENT, "", 100),
                ("updated", PARENT, "", 50),
                ("updated", PARENT, "", 100),
                ("ended", PARENT, "", 100),
            ],
        ),
        (
            RunShape.SUBTITLE,
            [
                ("started", PARENT, "", 0),
                ("updated", PARENT, "Task A", 0),
                ("updated", PARENT, "Task A", 100),
                ("updated", PARENT, "", 50),
                ("updated", PARENT, "Task C", 50),
                ("updated", PARENT, "Task C", 100),
                ("ended", PARENT, "Task C", 100),
            ],
        ),
        (
            RunShape.SUB_ACTIVITIES,
            [
                ("started", PARENT, "", 0),
                ("started", "A", "", -1),
                ("ended", "A", "", -1),
                ("updated", PARENT, "", 100),
                ("updated", PARENT, "", 50),
                ("started", "C", "", -1),
                ("ended", "C", "", -1),
                ("updated", PARENT, "", 100),
                ("ended", PARENT, "", 100),
            ],
        ),
    ],
)
async def test_shapes(
    plex: PlexSimulator,
    ask: Client,
    shape: RunShape,
    expected: list[tuple[str, str, str, float]],
) -> None:
    plex.shape = shape
    plex.tasks = {task.name: task for task in three() if task.name != "B"}
    async with ask.listen() as websocket:
        await ask("POST", "/butler")
        plex.finish("A")
        plex.finish("C")
        rows = _rows(await heard(plex, websocket))

    keys = ("title", "subtitle", "progress")
    assert [
        (row["event"], *(row["Activity"][key] for key in keys)) for row in rows
    ] == expected
    assert {row["Activity"]["type"] for row in rows} == {"butler"}
    # An activity keeps its uuid, and no two share one.
    names = {(row["uuid"], row["Activity"]["title"]) for row in rows}
    assert len(names) == len({title for _, title in names})


@pytest.mark.parametrize("duration", [0, 0.05])
async def test_no_run_is_too_short(
    plex: PlexSimulator, ask: Client, duration: float
) -> None:
    plex.tasks["Short"] = SimulatedTask("Short", "", "", 1, duration=duration)
    async with ask.listen() as websocket:
        await ask("POST", "/butler/Short")
        await plex.wait_idle()
        told = _told(await heard(plex, websocket))

    assert [(event, title) for event, title, _ in told] == [
        ("started", PARENT),
        ("started", "Short"),
        ("ended", "Short"),
        ("updated", PARENT),
        ("ended", PARENT),
    ]


async def test_stopping_is_told_when_it_is_done(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.stop_delay = None
    await ask("POST", f"/butler/{OPTIMIZE}")
    async with ask.listen() as websocket:
        await ask("DELETE", f"/butler/{OPTIMIZE}")
        stopping = await heard(plex, websocket)
        plex.finish(OPTIMIZE)
        stopped = _told(await heard(plex, websocket))

    assert stopping == []
    assert stopped[0] == ("ended", OPTIMIZE, "")
    assert stopped[-1] == ("ended", PARENT, "")


async def test_two_runs_at_once(plex: PlexSimulator, ask: Client) -> None:
    plex.shape = RunShape.SUBTITLE
    async with ask.listen() as websocket:
        plex.butler.start(OPTIMIZE)
        plex.butler.start("CleanOldBundles")
        plex.finish("CleanOldBundles")
        plex.finish(OPTIMIZE)
        told = _told(await heard(plex, websocket))

    assert told == [
        ("started", PARENT, ""),
        ("updated", PARENT, "Optimize Database"),
        ("updated", PARENT, "Clean Old Bundles"),
        ("updated", PARENT, "Optimize Database"),
        ("updated", PARENT, "Clean Old Bundles"),
        ("ended", PARENT, "Clean Old Bundles"),
    ]


async def test_localised_parent_title(plex: PlexSimulator, ask: Client) -> None:
    plex.localised_parent_title = "Butler-Aufgaben"
    async with ask.listen() as websocket:
        plex.butler.start(OPTIMIZE)
        parent = _rows(await heard(plex, websocket))[0]["Activity"]

    assert (parent["type"], parent["title"]) == ("butler", "Butler-Aufgaben")
    assert await ask.titles() == ["Butler-Aufgaben", OPTIMIZE]


async def test_progress_is_told_when_it_changes(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.butler.start(OPTIMIZE)
    async with ask.listen() as websocket:
        for percent in (12.5, 12.5, 80.0, -1.0):
            plex.report_progress(percent)
        rows = _rows(await heard(plex, websocket))
        plex.report_progress(41)

    assert [(row["event"], row["Activity"]["progress"]) for row in rows] == [
        ("updated", 12.5),
        ("updated", 80),
        ("updated", -1),
    ]
    assert (await ask.activities())[0]["progress"] == 41


def test_progress_needs_a_run() -> None:
    with pytest.raises(ValueError, match="nothing is running"):
        PlexSimulator().report_progress(50)


async def test_frames_agree_with_the_list(plex: PlexSimulator, ask: Client) -> None:
    plex.butler.start(OPTIMIZE)
    async with ask.listen() as websocket:
        plex.butler.start(BACKUP)
        plex.report_progress(20)
        rows = _rows(await heard(plex, websocket))

    assert [row["event"] for row in rows] == ["started", "updated"]
    backup, parent = (row["Activity"] | {"Context": {}} for row in rows)
    listed = await ask.activities()
    assert parent == listed[0]
    assert backup in listed


KINDS = ["activity", "preference", "timeline"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", KINDS),
        ("?filters=", KINDS),
        ("?filters=activity", KINDS[:1]),
        ("?filters=preference,activity", KINDS[:2]),
        ("?filters=activity%2Cpreference", KINDS[:2]),
        ("?filters=timeline", KINDS[2:]),
        ("?filters=activitylog", []),
    ],
)
async def test_filters(
    plex: PlexSimulator, ask: Client, query: str, expected: list[str]
) -> None:
    async with ask.listen(query) as websocket:
        plex.announce("started", SCAN)
        plex.notify("preference", "Setting", [{"id": "ButlerStartHour", "value": 3}])
        plex.notify("timeline", "TimelineEntry", [{}, {}])
        frames = [json.loads(frame) for frame in await heard(plex, websocket)]

    containers = [frame["NotificationContainer"] for frame in frames]
    assert [container["type"] for container in containers] == expected
    if expected == KINDS:
        assert containers[1]["Setting"] == [{"id": "ButlerStartHour", "value": 3}]
        assert [container["size"] for container in containers] == [1, 1, 2]


async def test_foreign_activity(plex: PlexSimulator, ask: Client) -> None:
    async with ask.listen() as websocket:
        for event in ("started", "ended"):
            plex.announce(event, SCAN)
        rows = _rows(await heard(plex, websocket))

    assert rows == [
        {"event": event, "uuid": "of-a-scan", "Activity": SCAN}
        for event in ("started", "ended")
    ]
    assert await ask.activities() == []


@pytest.mark.parametrize(
    ("data", "received"),
    [
        ("{", "{"),
        (b"\xff\x00", b"\xff\x00"),
        (
            {"NotificationContainer": {"type": 7}},
            '{"NotificationContainer": {"type": 7}}',
        ),
        ("x" * 2**21, "x" * 2**21),
    ],
    ids=["malformed", "binary", "dict", "huge"],
)
async def test_any_frame_to_everybody(
    plex: PlexSimulator,
    ask: Client,
    data: str | bytes | dict[str, Any],
    received: str | bytes,
) -> None:
    async with ask.listen() as one, ask.listen("?filters=activity") as other:
        plex.send_frame(data)

        assert [(await socket.receive()).data for socket in (one, other)] == [
            received,
            received,
        ]
