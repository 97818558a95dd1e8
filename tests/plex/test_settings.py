"""Reading and changing a server's settings."""

import asyncio
from typing import Any

import aiohttp
from hypothesis import given, settings
import orjson
import pytest

from custom_components.plex_butler.plex import (
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServer,
    PlexSettingError,
    Setting,
    SettingKind,
    connection,
    setting_id_for_task,
)
from tests.simulator import Fault, PlexSimulator, SimulatedSetting

from .test_models import objects, read

PREFS = "/:/prefs"
HOUR = {
    "id": "ButlerStartHour",
    "label": "Start",
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
    return Setting.from_json(HOUR | changes)


def sent(plex: PlexSimulator) -> list[tuple[str, str, str]]:
    return [(r.method, r.raw_path, r.query) for r in plex.requests]


# What a setting is


def test_a_setting() -> None:
    assert setting() == Setting(
        id="ButlerStartHour",
        label="Start",
        kind=SettingKind.INT,
        value=3,
        default=2,
        hidden=False,
        group="butler",
        options=(("2", "2:00 at night"), ("3", "3")),
    )


def test_a_setting_needs_nothing_but_an_id() -> None:
    assert Setting.from_json({"id": "X"}) == Setting(
        id="X",
        label="",
        kind=SettingKind.UNKNOWN,
        value=None,
        default=None,
        hidden=False,
        group="",
        options=(),
    )


@pytest.mark.parametrize("setting_id", [None, "", 7, True, [], {}, "x" * 129])
def test_without_a_usable_id_it_is_no_setting(setting_id: Any) -> None:
    with pytest.raises(ValueError, match="no usable id"):
        setting(id=setting_id)


@pytest.mark.parametrize(
    ("kind", "told", "value"),
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
        ("text", 5, None),
        ("colour", "red", None),
        (None, "red", None),
        (["int"], 5, None),
    ],
)
def test_a_value_is_of_its_kind(kind: Any, told: Any, value: Any) -> None:
    one = setting(type=kind, value=told, default=told)

    assert one.value == one.default == value
    assert type(one.value) is type(value)


@pytest.mark.parametrize(
    ("told", "options"),
    [
        (None, ()),
        ("", ()),
        (["a"], ()),
        ("OFF|ON", (("OFF", "OFF"), ("ON", "ON"))),
        (":Any|en0:en0", (("", "Any"), ("en0", "en0"))),
        ("a:1:2:3", (("a", "1:2:3"),)),
        ("a:", (("a", ""),)),
        ("x" * 200 + ":" + "y" * 300, (("x" * 128, "y" * 255),)),
    ],
)
def test_options_split_on_the_first_colon(told: Any, options: Any) -> None:
    assert setting(enumValues=told).options == options


def test_options_have_their_limit() -> None:
    assert len(setting(enumValues="|".join(map(str, range(999)))).options) == 64


@settings(max_examples=500)
@given(raw=objects(*HOUR))
def test_any_json_is_a_setting_or_none(raw: object) -> None:
    for value in read(Setting.from_json, raw):
        assert 0 < len(value.id) <= 128
        assert len(value.label) <= 255
        assert len(value.options) <= 64
        assert isinstance(value.hidden, bool)
        assert orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS, default=str)
        assert len({value, value}) == 1


@pytest.mark.parametrize(
    ("task", "setting_id"),
    [
        ("BackupDatabase", "ButlerTaskBackupDatabase"),
        ("GarbageCollectBlobs", "ButlerTaskGarbageCollectBlobs"),
        ("RefreshLibraries", "ButlerTaskRefreshLibraries"),
        ("ButlerTaskGenerateIntroMarkers", "GenerateIntroMarkerBehavior"),
        ("ButlerTaskGenerateCreditsMarkers", "GenerateCreditsMarkerBehavior"),
        ("ButlerTaskGenerateAdMarkers", "GenerateAdMarkerBehavior"),
        ("ButlerTaskGenerateVoiceActivity", "GenerateVADBehavior"),
        ("GenerateChapterThumbs", "GenerateChapterThumbBehavior"),
        ("GenerateMediaIndexFiles", "GenerateBIFBehavior"),
        ("LoudnessAnalysis", "LoudnessAnalysisBehavior"),
        ("MusicAnalysis", "MusicAnalysisBehavior"),
    ],
)
def test_the_setting_of_a_task(task: str, setting_id: str) -> None:
    assert setting_id_for_task(task) == setting_id


# Reading


async def test_get_settings(plex: PlexSimulator, server: PlexServer) -> None:
    found = {one.id: one for one in await server.get_settings()}

    assert list(found) == list(plex.settings)
    assert found["FriendlyName"].value == "Media Server"
    assert found["GdmEnabled"].value is True
    assert found["OnDeckWindow"].value == 16
    assert found["TranscoderH264MinimumCRF"].value == 16.0
    assert found["ButlerUpdateChannel"].options == (
        ("16", "Public: for all"),
        ("8", "Beta: for the brave"),
    )
    assert found["ButlerTaskGarbageCollectBlobs"].hidden is True
    assert sent(plex) == [("GET", PREFS, "")]


async def test_an_unknown_kind_does_not_break_the_rest(
    plex: PlexSimulator, server: PlexServer
) -> None:
    odd = SimulatedSetting(id="Odd", type="colour", default="red")
    plex.settings.update({"Odd": odd, "": odd})
    before = len(await server.get_settings())

    plex.settings[""] = SimulatedSetting(id="", type="text", default="")
    found = await server.get_settings()

    assert len(found) == before - 1
    assert {one.id: one.value for one in found}["Odd"] is None


async def test_a_server_may_list_far_more_than_one_does(
    plex: PlexSimulator, server: PlexServer
) -> None:
    """There are more settings than a list of tasks may be long."""
    for number in range(2048 - len(plex.settings)):
        one = SimulatedSetting(id=f"Filler{number}", type="int", default="1")
        plex.settings[one.id] = one
    assert len(await server.get_settings()) == 2048

    plex.settings["One"] = SimulatedSetting(id="One", type="int", default="1")
    with pytest.raises(PlexResponseError, match="no list of Setting"):
        await server.get_settings()


# Changing


@pytest.mark.parametrize(
    ("setting_id", "value", "query", "now"),
    [
        ("GdmEnabled", False, "GdmEnabled=0", False),
        ("logTokens", True, "logTokens=1", True),
        ("OnDeckWindow", 3, "OnDeckWindow=3", 3),
        ("TranscoderH264MinimumCRF", 17.5, "TranscoderH264MinimumCRF=17.5", 17.5),
        (
            "FriendlyName",
            "a b&c=d/é",
            "FriendlyName=a%20b%26c%3Dd%2F%C3%A9",
            "a b&c=d/é",
        ),
    ],
)
async def test_set_setting(
    plex: PlexSimulator,
    server: PlexServer,
    setting_id: str,
    value: Any,
    query: str,
    now: Any,
) -> None:
    await server.set_setting(setting_id, value)

    assert sent(plex) == [("PUT", PREFS, query)]
    found = {one.id: one.value for one in await server.get_settings()}
    assert found[setting_id] == now


async def test_several_at_once(plex: PlexSimulator, server: PlexServer) -> None:
    await server.set_settings({"ButlerStartHour": 23, "ButlerEndHour": 4})

    assert sent(plex) == [("PUT", PREFS, "ButlerStartHour=23&ButlerEndHour=4")]
    assert plex.settings.number("ButlerStartHour") == 23
    assert plex.settings.number("ButlerEndHour") == 4


async def test_no_id_is_anything_but_an_id(
    plex: PlexSimulator, server: PlexServer
) -> None:
    odd = "a&X-Plex-Token=b#c/../?d é"
    plex.settings[odd] = SimulatedSetting(id=odd, type="text", default="")

    await server.set_setting(odd, "&e=f")

    assert plex.settings[odd].current == "&e=f"
    assert plex.requests[0].raw_path == PREFS


# What a change does to what comes after it


async def test_pause_after_a_change(plex: PlexSimulator, server: PlexServer) -> None:
    """Nothing is asked of the server while it refuses everything."""
    plex.settings.unsettled = 0.4
    await server.set_setting("OnDeckWindow", 3)
    await server.get_settings()

    assert [method for method, *_ in sent(plex)] == ["PUT", "GET"]


async def test_pause_is_cancelled(
    plex: PlexSimulator, server: PlexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PAUSE", 1e6)
    change = asyncio.create_task(server.set_setting("OnDeckWindow", 3))
    await plex.wait_for_request("PUT", PREFS)

    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change


async def test_one_refusal_after_a_change_is_tolerated(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.settings.unsettled = 0.7
    await server.set_setting("OnDeckWindow", 3)
    found = {one.id: one.value for one in await server.get_settings()}

    assert found["OnDeckWindow"] == 3
    assert [method for method, *_ in sent(plex)] == ["PUT", "GET", "GET"]


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE", 0)


@pytest.mark.usefixtures("no_pause")
async def test_only_one_is_tolerated(plex: PlexSimulator, server: PlexServer) -> None:
    plex.settings.unsettled = 1e9
    await server.set_setting("OnDeckWindow", 3)

    with pytest.raises(PlexResponseError) as raised:
        await server.get_settings()
    assert raised.value.status == 400
    assert [method for method, *_ in sent(plex)] == ["PUT", "GET", "GET"]


@pytest.mark.parametrize(
    "call", [PlexServer.get_butler_tasks, PlexServer.start_all_tasks]
)
async def test_a_change_by_somebody_else_is_not_felt(
    plex: PlexSimulator, server: PlexServer, call: Any
) -> None:
    plex.settings.unsettled = 0.3
    plex.change_settings(OnDeckWindow="3")

    await call(server)

    assert len(plex.requests) == 2


# Refusals


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    "values", [{"NoSuchSetting": 1}, {"ButlerStartHour": 24, "ButlerEndHour": 5}]
)
async def test_refused(
    plex: PlexSimulator, server: PlexServer, status: int, values: Any
) -> None:
    plex.settings.refusal = status

    with pytest.raises(PlexSettingError, match=f"^{', '.join(values)}$"):
        await server.set_settings(values)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("status", "error"), [(401, PlexAuthenticationError), (403, PlexForbiddenError)]
)
async def test_who_does_not_own_the_server_is_told_so(
    plex: PlexSimulator,
    session: aiohttp.ClientSession,
    status: int,
    error: type[PlexError],
) -> None:
    """An unknown setting is refused with 403, too, but only its owner sees the tasks."""
    plex.shared_status = status
    server = PlexServer(session, plex.url, plex.shared_token)

    with pytest.raises(error):
        await server.set_setting("OnDeckWindow", 3)
    assert plex.settings.number("OnDeckWindow") == 16


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.MAINTENANCE, PlexBusyError),
        (Fault.SERVER_ERROR, PlexResponseError),
        (Fault.NOT_FOUND, PlexResponseError),
    ],
)
async def test_not_changed(
    plex: PlexSimulator, server: PlexServer, fault: Fault, error: type[PlexError]
) -> None:
    plex.inject(fault, PREFS)

    with pytest.raises(error) as raised:
        await server.set_setting("OnDeckWindow", 3)
    assert not isinstance(raised.value, PlexSettingError)
    assert plex.settings.number("OnDeckWindow") == 16


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.WRONG_TYPES, Fault.WRONG_SHAPE])
async def test_no_list_of_settings(
    plex: PlexSimulator, server: PlexServer, fault: Fault
) -> None:
    plex.inject(fault, PREFS)

    with pytest.raises(PlexResponseError):
        await server.get_settings()
