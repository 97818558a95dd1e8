"""Parsing any JSON that a server may send."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

from hypothesis import given
import orjson
import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ButlerTask,
    ServerIdentity,
    Setting,
    SettingKind,
    WindowSetting,
)

from .common import NOTHING, given_fields, objects, parsed

TASK = {
    "name": "BackupDatabase",
    "title": "Backup Database",
    "description": "Create a backup",
    "interval": 3,
    "scheduleRandomized": False,
    "enabled": True,
}


def task(**changes: Any) -> ButlerTask:
    return ButlerTask.from_json(given_fields(TASK | changes))


def test_a_task() -> None:
    assert task() == ButlerTask(
        name="BackupDatabase",
        title="Backup Database",
        description="Create a backup",
        interval=3,
        schedule_randomized=False,
        enabled=True,
    )


def test_a_task_needs_nothing_but_a_name() -> None:
    assert ButlerTask.from_json({"name": "X"}) == ButlerTask(
        name="X",
        title=None,
        description=None,
        interval=None,
        schedule_randomized=None,
        enabled=None,
    )


@pytest.mark.parametrize("name", [NOTHING, None, "", 7, True, [], {}, "x" * 129])
def test_task_needs_a_usable_name(name: Any) -> None:
    with pytest.raises(ValueError, match="no usable name"):
        task(name=name)


def test_a_name_is_never_cut() -> None:
    assert task(name="x" * 128).name == "x" * 128


@pytest.mark.parametrize("name", ["Back\x00up", "Backup\n", "\ud800", "B\ufffdckup"])
def test_name_with_broken_characters_cannot_be_used(name: str) -> None:
    with pytest.raises(ValueError, match="no usable name"):
        task(name=name)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("t" * 1024, "t" * 1024),
        ("t" * 2000, "t" * 1024),
        (
            "S\xfcß 日本 👩\u200d🚀 \u05d0\xa0\ufffd",
            "S\xfcß 日本 👩\u200d🚀 \u05d0\xa0\ufffd",
        ),
        ("\x00Back\x1b\x7fup\x9f", "Backup"),
        ("\ud800Backup\udfff", "Backup"),
        ("one\ttwo\nthree\r", "one two three"),
        *((sent, None) for sent in (NOTHING, None, "", 7, [], "\x00", "\n")),
    ],
)
def test_texts_of_a_task(sent: Any, text: str | None) -> None:
    read = task(title=sent, description=sent)

    assert read.description == text
    assert read.title == (text and text[:255])


@pytest.mark.parametrize(
    ("sent", "interval"),
    [
        (3, 3),
        (0, 0),
        (36525, 36525),
        (36526, None),
        (-1, None),
        (10**400, None),
        (7.9, 7),
        (36525.5, None),
        ("7", 7),
        ("abc", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        (True, None),
        (None, None),
        (NOTHING, None),
        ([3], None),
        ({}, None),
    ],
)
def test_an_interval(sent: Any, interval: int | None) -> None:
    read = task(interval=sent).interval

    assert read == interval
    assert type(read) is type(interval)


@pytest.mark.parametrize("sent_as", ["enabled", "scheduleRandomized"])
@pytest.mark.parametrize(
    ("sent", "flag"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        ("1", True),
        ("0", False),
        (2, None),
        ("true", None),
        ("", None),
        (1.0, None),
        (None, None),
        (NOTHING, None),
        ([], None),
        ({}, None),
    ],
)
def test_a_flag(sent_as: str, sent: Any, flag: Any) -> None:
    read = task(**{sent_as: sent})

    assert {
        "enabled": read.enabled,
        "scheduleRandomized": read.schedule_randomized,
    }[sent_as] is flag


def test_an_activity() -> None:
    raw = {
        "uuid": "6f7c",
        "type": "butler",
        "cancellable": False,
        "userID": 1,
        "title": "Butler tasks",
        "subtitle": "Backup Database",
        "progress": 83.3,
        "Context": {},
    }

    assert Activity.from_json(raw) == Activity(
        uuid="6f7c",
        type="butler",
        title="Butler tasks",
        subtitle="Backup Database",
        progress=83.3,
    )


def test_an_activity_needs_nothing() -> None:
    assert Activity.from_json({"title": None, "type": 7}) == Activity(
        uuid="", type="", title="", subtitle="", progress=None
    )


@pytest.mark.parametrize(
    ("sent", "progress"),
    [
        (50, 50.0),
        (0, 0.0),
        (100, 100.0),
        (100.5, 100.0),
        (10**400, None),
        (-1, None),
        (-0.5, None),
        ("83.3", 83.3),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("half", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_progress(sent: Any, progress: float | None) -> None:
    assert Activity.from_json({"progress": sent}).progress == progress


@pytest.mark.parametrize("version", [None, 7, []])
def test_identity_without_a_version(version: Any) -> None:
    raw = {"machineIdentifier": "5133", "version": version}

    assert ServerIdentity.from_json(raw) == ServerIdentity(
        machine_identifier="5133", version=""
    )


@pytest.mark.parametrize("identifier", [None, "", 7, []])
def test_an_identity_needs_an_identifier(identifier: Any) -> None:
    with pytest.raises(ValueError, match="no machineIdentifier"):
        ServerIdentity.from_json({"machineIdentifier": identifier})


@pytest.mark.parametrize(
    "from_json", [ServerIdentity.from_json, ButlerTask.from_json, Activity.from_json]
)
@pytest.mark.parametrize("raw", [None, [], "text", 7, True])
def test_only_objects_are_parsed(
    from_json: Callable[[object], object], raw: object
) -> None:
    with pytest.raises(ValueError, match="not an object"):
        from_json(raw)


@pytest.mark.parametrize(
    "value",
    [
        task(),
        Activity.from_json({}),
        ServerIdentity.from_json({"machineIdentifier": "5133"}),
    ],
)
def test_a_value_cannot_be_changed(value: Any) -> None:
    with pytest.raises((FrozenInstanceError, TypeError)):
        value.title = "Another"
    assert len({value, value}) == 1


def days(interval: int | None) -> int:
    return 0 if interval is None else interval


@given(raw=objects(*TASK))
def test_any_json_as_a_task(raw: object) -> None:
    for value in parsed(ButlerTask.from_json, raw):
        assert 0 < len(value.name) <= 128
        assert value.title is None or 0 < len(value.title) <= 255
        assert value.description is None or 0 < len(value.description) <= 1024
        assert isinstance(value.interval, int | None)
        assert 0 <= days(value.interval) <= 36525
        assert isinstance(value.enabled, bool | None)
        assert isinstance(value.schedule_randomized, bool | None)
        assert orjson.dumps(value)


@given(raw=objects("uuid", "type", "title", "subtitle", "progress"))
def test_any_json_as_an_activity(raw: object) -> None:
    for value in parsed(Activity.from_json, raw):
        assert max(len(value.uuid), len(value.type)) <= 128
        assert max(len(value.title), len(value.subtitle)) <= 255
        assert isinstance(value.progress, float | None)
        assert 0 <= (value.progress or 0) <= 100
        assert orjson.dumps(value)


@given(raw=objects("machineIdentifier", "version"))
def test_any_json_as_an_identity(raw: object) -> None:
    for value in parsed(ServerIdentity.from_json, raw):
        assert 0 < len(value.machine_identifier) <= 128
        assert len(value.version) <= 128
        assert orjson.dumps(value)


SETTING = {
    "id": "OnDeckWindow",
    "label": "Weeks",
    "summary": "Whatever",
    "type": "int",
    "default": 2,
    "value": 3,
    "hidden": False,
    "advanced": False,
    "group": "butler",
    "enumValues": "2:2:00 at night|3",
}


def setting(**changes: Any) -> Setting:
    return Setting.from_json(SETTING | changes)


# Settings


def test_a_setting() -> None:
    assert setting() == Setting(
        id="OnDeckWindow",
        kind=SettingKind.INT,
        value=3,
        options=(("2", "2:00 at night"), ("3", "3")),
    )


def test_a_setting_needs_nothing_but_an_id() -> None:
    assert Setting.from_json({"id": "X"}) == Setting(
        id="X",
        kind=SettingKind.UNKNOWN,
        value=None,
        options=(),
    )


@pytest.mark.parametrize("setting_id", [None, "", 7, True, [], {}, "x" * 129])
def test_setting_needs_a_usable_id(setting_id: Any) -> None:
    with pytest.raises(ValueError, match="no usable id"):
        setting(id=setting_id)


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("bool", True, True),
        ("bool", False, False),
        ("bool", "1", True),
        ("bool", "0", False),
        ("bool", "yes", None),
        ("int", 5, 5),
        ("int", "5", 5),
        ("int", "five", None),
        ("int", True, None),
        ("int", None, None),
        ("double", "16.5", 16.5),
        ("double", "", None),
        ("text", "x" * 1025, "x" * 1024),
        ("text", "", ""),
        ("text", "a\x00b", "ab"),
        ("text", 5, None),
        ("colour", "red", None),
        (None, "red", None),
        (["int"], 5, None),
    ],
)
def test_value_of_a_setting(kind: Any, sent: Any, value: Any) -> None:
    one = setting(type=kind, value=sent)

    assert one.value == value
    assert type(one.value) is type(value)


@pytest.mark.parametrize(
    ("sent", "options"),
    [
        (None, ()),
        ("", ()),
        (["a"], ()),
        ("OFF|ON", (("OFF", "OFF"), ("ON", "ON"))),
        (":Any|en0:en0|:", (("en0", "en0"),)),
        ("|a:1||b|a:2|", (("a", "1"), ("b", "b"))),
        ("a\x00:1\x1b|a", (("a", "1"),)),
        ("a:1:2:3", (("a", "1:2:3"),)),
        ("a:", (("a", ""),)),
        ("x" * 200 + ":" + "y" * 300, (("x" * 128, "y" * 255),)),
    ],
)
def test_options_split_on_the_first_colon(sent: Any, options: Any) -> None:
    assert setting(enumValues=sent).options == options


def test_options_have_their_limit() -> None:
    assert len(setting(enumValues="|".join(map(str, range(999)))).options) == 64


@given(raw=objects(*SETTING))
def test_any_json_as_a_setting(raw: object) -> None:
    for value in parsed(Setting.from_json, raw):
        assert 0 < len(value.id) <= 128
        assert len(value.options) <= 64
        assert orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str)
        assert len({value, value}) == 1


@pytest.mark.parametrize("setting_id", WindowSetting)
@pytest.mark.parametrize(
    ("sent", "value"),
    [(0, 0), (23, 23), ("5", 5), (24, None), (-1, None), (None, None)],
)
def test_hours_of_the_window(setting_id: str, sent: Any, value: int | None) -> None:
    one = setting(id=setting_id, value=sent, enumValues="-1:x|0:Midnight|23|24|a")

    assert one.value == value
    assert one.options == (("0", "Midnight"), ("23", "23"))
