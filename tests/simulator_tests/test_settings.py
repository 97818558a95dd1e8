"""The simulated settings are those of a real server in number, kind and manner."""

from collections import Counter

import pytest

from tests.simulator import (
    PlexSimulator,
    SimulatedSetting,
    SimulatedTask,
    default_settings,
)

from .client import BACKUP, NOTIFICATIONS, Client, heard

PREFS = "/:/prefs"
MARKERS = {
    "GenerateIntroMarkerBehavior",
    "GenerateCreditsMarkerBehavior",
    "GenerateAdMarkerBehavior",
}


def value(plex: PlexSimulator, setting_id: str) -> str:
    return plex.settings[setting_id].current


async def rows(ask: Client) -> dict[str, dict[str, object]]:
    container = (await ask("GET", PREFS)).json["MediaContainer"]
    assert container["size"] == len(container["Setting"])
    return {row["id"]: row for row in container["Setting"]}


# The list


async def test_full_size(ask: Client) -> None:
    listed = await rows(ask)

    assert len(listed) >= 150
    assert {"FriendlyName", "GdmEnabled", "autoEmptyTrash", "OnDeckWindow"} < set(
        listed
    )
    kinds = Counter(row["type"] for row in listed.values())
    assert set(kinds) == {"text", "bool", "int", "double"}
    assert listed["ButlerTaskGarbageCollectBlobs"]["hidden"] is True
    assert 40_000 < len((await ask("GET", PREFS)).body) < 80_000


async def test_list_in_json(ask: Client) -> None:
    listed = await rows(ask)

    hour = listed["ButlerStartHour"]
    assert list(hour) == [
        "id",
        "label",
        "summary",
        "type",
        "default",
        "value",
        "hidden",
        "advanced",
        "group",
        "enumValues",
    ]
    assert (hour["type"], hour["default"], hour["value"]) == ("int", 2, 2)
    assert str(hour["enumValues"]).startswith("0:Midnight|1:1 h|")
    trash = listed["autoEmptyTrash"]
    assert (trash["default"], trash["value"]) == (True, True)
    assert "enumValues" not in trash
    assert listed["TranscoderH264MinimumCRF"]["value"] == "16"
    assert "Public: for all" in str(listed["ButlerUpdateChannel"]["enumValues"])


async def test_list_in_xml(ask: Client) -> None:
    reply = await ask("GET", PREFS, headers={})

    assert reply.content_type == "text/xml"
    by_id = {element.get("id"): element for element in reply.xml.iter("Setting")}
    assert by_id["GdmEnabled"].get("value") == "1"
    assert by_id["OnDeckWindow"].get("value") == "16"
    assert by_id["ButlerTaskGarbageCollectBlobs"].get("hidden") == "1"


async def test_server_without_a_plex_pass() -> None:
    assert set(default_settings()) - set(default_settings(plex_pass=False)) == MARKERS


def test_settings_agree_with_the_tasks() -> None:
    tasks = [
        SimulatedTask(BACKUP, "", "", 1, enabled=False),
        SimulatedTask("MusicAnalysis", "", "", 1, enabled=False),
        SimulatedTask("LoudnessAnalysis", "", "", 1),
        SimulatedTask("Unheard", "", "", 1),
    ]
    plex = PlexSimulator(name="Attic", tasks=tasks)

    assert value(plex, f"ButlerTask{BACKUP}") == "0"
    assert value(plex, "MusicAnalysisBehavior") == "never"
    assert value(plex, "LoudnessAnalysisBehavior") == "scheduled"
    assert value(plex, "FriendlyName") == "Attic"
    assert "ButlerTaskUnheard" not in plex.settings


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_only_for_the_owner(
    plex: PlexSimulator, ask: Client, method: str
) -> None:
    path = f"{PREFS}?OnDeckWindow=1"

    assert (await ask(method, path, token=plex.shared_token)).status == 403
    assert (await ask(method, path, token="wrong")).status == 401
    assert value(plex, "OnDeckWindow") == "16"


# Changing


async def test_change(plex: PlexSimulator, ask: Client) -> None:
    reply = await ask(
        "PUT", f"{PREFS}?OnDeckWindow=3&GdmEnabled=0&FriendlyName=Two%20Words%26more"
    )

    assert (reply.status, reply.body) == (200, b"")
    assert value(plex, "OnDeckWindow") == "3"
    assert value(plex, "GdmEnabled") == "0"
    assert plex.name == value(plex, "FriendlyName") == "Two Words&more"
    assert (await rows(ask))["OnDeckWindow"]["value"] == 3


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("GdmEnabled=false", "0"),
        ("GdmEnabled=true", "1"),
        (f"GdmEnabled=0&X-Plex-Token={'x' * 3}", "0"),
    ],
)
async def test_ways_to_say_it(
    plex: PlexSimulator, ask: Client, query: str, changed: str
) -> None:
    await ask("PUT", f"{PREFS}?{query}")

    assert value(plex, "GdmEnabled") == changed


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "NoSuchSetting=1",
        "GdmEnabled=2",
        "OnDeckWindow=many",
        "OnDeckWindow=",
        "ButlerStartHour=24",
        "GenerateBIFBehavior=sometimes",
        "TranscoderH264MinimumCRF=low",
    ],
)
async def test_refusal(
    plex: PlexSimulator, ask: Client, query: str, status: int
) -> None:
    plex.settings.refusal = status
    before = dict(plex.settings)

    reply = await ask("PUT", f"{PREFS}?autoEmptyTrash=0&{query}" if query else PREFS)

    assert (reply.status, reply.content_type) == (status, "text/html")
    assert dict(plex.settings) == before


async def test_tasks_follow(plex: PlexSimulator, ask: Client) -> None:
    await ask("PUT", f"{PREFS}?ButlerTask{BACKUP}=0&MusicAnalysisBehavior=never")
    assert not plex.tasks[BACKUP].enabled
    assert not plex.tasks["MusicAnalysis"].enabled

    await ask("PUT", f"{PREFS}?ButlerTask{BACKUP}=1&MusicAnalysisBehavior=asap")
    assert plex.tasks[BACKUP].enabled
    assert plex.tasks["MusicAnalysis"].enabled


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        (2, 5, {2, 3, 4}),
        (22, 1, {22, 23, 0}),
        (0, 23, set(range(23))),
        (7, 7, set()),
    ],
)
async def test_window_follows(
    plex: PlexSimulator, start: int, end: int, inside: set[int]
) -> None:
    plex.change_settings(ButlerStartHour=str(start), ButlerEndHour=str(end))

    hours = set()
    for plex.hour in range(24):
        hours |= {plex.hour} & ({plex.hour} if plex.inside_window else set())
    assert hours == inside


async def test_window_by_the_clock(plex: PlexSimulator) -> None:
    """As in the demonstration."""
    plex.hour = None
    plex.change_settings(ButlerStartHour="0", ButlerEndHour="12")
    morning = plex.inside_window
    plex.change_settings(ButlerStartHour="12", ButlerEndHour="0")

    assert plex.inside_window is not morning


# What others notice


async def test_preference_event(plex: PlexSimulator, ask: Client) -> None:
    async with (
        ask.listen("?filters=preference") as told,
        ask.listen("?filters=activity") as deaf,
    ):
        await plex.wait_for_sockets(2)
        await ask("PUT", f"{PREFS}?OnDeckWindow=3&GdmEnabled=0")
        frame = await told.receive_json()
        assert await heard(plex, deaf) == []

    container = frame["NotificationContainer"]
    assert (container["type"], container["size"]) == ("preference", 2)
    assert [(row["id"], row["value"]) for row in container["Setting"]] == [
        ("OnDeckWindow", 3),
        ("GdmEnabled", False),
    ]
    assert NOTIFICATIONS in {request.raw_path for request in plex.requests}


async def test_requests_right_after_a_change_are_refused(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.settings.unsettled = 1e9
    assert (await ask("PUT", f"{PREFS}?OnDeckWindow=3")).status == 200
    for method, path in (("GET", PREFS), ("GET", "/butler"), ("PUT", f"{PREFS}?x=1")):
        assert (await ask(method, path)).status == 400
    assert (await ask("GET", "/identity")).status == 200

    plex.settings.unsettled = 0
    plex.change_settings(OnDeckWindow="4")
    assert (await ask("GET", PREFS)).status == 200


async def test_type_nobody_knows(plex: PlexSimulator, ask: Client) -> None:
    plex.settings["Odd"] = SimulatedSetting(id="Odd", type="colour", default="red")

    await ask("PUT", f"{PREFS}?Odd=blue")

    assert (await rows(ask))["Odd"]["value"] == "blue"
