"""What is made of a frame, whatever is in it."""

from copy import deepcopy
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.plex_butler.plex import Activity, ActivityEvent, SettingEvent
from custom_components.plex_butler.plex.events import ActivityChange, parse_frame
from custom_components.plex_butler.plex.models import MAX_NAME, MAX_TITLE

ROW: dict[str, Any] = {
    "event": "started",
    "uuid": "6f7c",
    "Activity": {
        "uuid": "6f7c",
        "type": "butler",
        "cancellable": True,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "Backup Database",
        "progress": 83.3,
    },
}
SETTING: dict[str, Any] = {"id": "ButlerStartHour", "type": "int", "value": 3}
EVENT = ActivityEvent(
    change=ActivityChange.STARTED,
    activity=Activity(
        uuid="6f7c",
        type="butler",
        title="Butler tasks",
        subtitle="Backup Database",
        progress=83.3,
    ),
)


def frame(kind: Any, key: str, rows: Any) -> dict[str, Any]:
    return {"NotificationContainer": {"type": kind, "size": 1, key: rows}}


def activities(*rows: Any) -> str:
    return json.dumps(frame("activity", "ActivityNotification", rows))


@pytest.mark.parametrize("change", ActivityChange)
def test_activity(change: ActivityChange) -> None:
    [event] = parse_frame(activities(ROW | {"event": change.value}))
    assert event == ActivityEvent(change=change, activity=EVENT.activity)


def test_setting() -> None:
    text = json.dumps(frame("preference", "Setting", [SETTING, {"id": "Other"}]))
    assert parse_frame(text) == [
        SettingEvent(id="ButlerStartHour"),
        SettingEvent(id="Other"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        None,
        7,
        "started",
        [],
        {},
        {"event": "started"},
        ROW | {"event": "paused"},
        ROW | {"event": None},
        ROW | {"event": ["started"]},
        ROW | {"Activity": None},
        ROW | {"Activity": [ROW["Activity"]]},
        ROW | {"Activity": {"title": "no uuid"}},
        ROW | {"Activity": {"uuid": ""}},
        ROW | {"Activity": {"uuid": 7}},
    ],
)
def test_bad_row_costs_only_itself(row: Any) -> None:
    assert parse_frame(activities(row, ROW)) == [EVENT]


@pytest.mark.parametrize(
    "setting",
    [None, "id", [], {}, {"id": None}, {"id": 7}, {"id": ""}, {"id": "x" * 129}],
)
def test_bad_setting_costs_only_itself(setting: Any) -> None:
    text = json.dumps(frame("preference", "Setting", [setting, {"id": "x" * 128}]))
    assert parse_frame(text) == [SettingEvent(id="x" * 128)]


def test_fields_of_the_wrong_type_are_left_empty() -> None:
    odd = {"uuid": "1", "type": 7, "title": ["x"], "subtitle": {}, "progress": "soon"}
    [event] = parse_frame(activities(ROW | {"Activity": odd}))
    assert isinstance(event, ActivityEvent)
    assert event.activity == Activity(
        uuid="1", type="", title="", subtitle="", progress=None
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff\xfe",
        "null",
        "[]",
        '"NotificationContainer"',
        "{}",
        '{"NotificationContainer": null}',
        '{"NotificationContainer": []}',
        json.dumps(frame("timeline", "TimelineEntry", [{}])),
        json.dumps(frame("activity", "Setting", [SETTING])),
        json.dumps(frame(["activity"], "ActivityNotification", [ROW])),
        json.dumps(frame("activity", "ActivityNotification", ROW)),
        json.dumps(frame("activity", "ActivityNotification", None)),
        "[" * 100_000,
    ],
)
def test_not_understood(text: str | bytes) -> None:
    assert parse_frame(text) == []


# Anything at all

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["activity", "preference", "ended", "x" * 300, "1e999"])
)
JSON = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("uuid", "event", "id"), SCALARS)
    )
)
FRAMES = [
    frame("activity", "ActivityNotification", [ROW, ROW]),
    frame("preference", "Setting", [SETTING]),
]


def _positions(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    inner = [key for key in keys if isinstance(value[key], (dict, list))]
    return [(*path, key) for key in keys] + [
        position for key in inner for position in _positions(value[key], (*path, key))
    ]


POSITIONS = [(index, path) for index, f in enumerate(FRAMES) for path in _positions(f)]


def _check(text: str | bytes) -> None:
    events = parse_frame(text)
    assert len(events) <= len(text)
    for event in events:
        if isinstance(event, SettingEvent):
            assert 0 < len(event.id) <= MAX_NAME
            continue
        assert isinstance(event.change, ActivityChange)
        activity = event.activity
        assert 0 < len(activity.uuid) <= MAX_NAME
        assert len(activity.type) <= MAX_NAME
        assert max(len(activity.title), len(activity.subtitle)) <= MAX_TITLE
        assert activity.progress is None or 0 <= activity.progress <= 100


def test_positions_are_all_there() -> None:
    assert len(POSITIONS) == 1 + 3 + 2 * (1 + 3 + 7) + 1 + 3 + 1 + 3


@settings(max_examples=2500, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    _check(text)


@settings(max_examples=2500, deadline=None)
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    _check(data)


@settings(max_examples=5000, deadline=None)
@given(st.sampled_from(POSITIONS), JSON)
def test_anything_anywhere(position: tuple[int, tuple[Any, ...]], value: Any) -> None:
    index, path = position
    changed = deepcopy(FRAMES[index])
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    _check(json.dumps(changed))
