"""The calls of PlexServer: their requests, and how answers are parsed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
import logging
import re
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import aiohttp
from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ButlerTask,
    ClientInfo,
    PlexAuthenticationError,
    PlexBusyError,
    PlexError,
    PlexForbiddenError,
    PlexResponseError,
    PlexServer,
    PlexSettingError,
    PlexUnknownTaskError,
    PlexWrongServerError,
    ServerIdentity,
    StartResult,
    StopResult,
    connection,
)
from tests.simulator import (
    Fault,
    PlexSimulator,
    RunShape,
    SimulatedSetting,
    SimulatedTask,
)

from .common import Wire, http

OPTIMIZE = "OptimizeDatabase"
PREFS = "/:/prefs"


def sent(plex: PlexSimulator) -> list[tuple[str, str, str]]:
    return [(r.method, r.raw_path, r.query) for r in plex.requests]


# Requests

every_call = pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        pytest.param(PlexServer.get_identity, "GET", "/identity", id="get_identity"),
        pytest.param(PlexServer.get_name, "GET", "/", id="get_name"),
        pytest.param(
            PlexServer.get_butler_tasks, "GET", "/butler", id="get_butler_tasks"
        ),
        pytest.param(
            PlexServer.get_activities, "GET", "/activities", id="get_activities"
        ),
        pytest.param(PlexServer.get_settings, "GET", "/:/prefs", id="get_settings"),
        pytest.param(
            lambda server: server.start_task(OPTIMIZE),
            "POST",
            f"/butler/{OPTIMIZE}",
            id="start_task",
        ),
        pytest.param(
            lambda server: server.stop_task(OPTIMIZE),
            "DELETE",
            f"/butler/{OPTIMIZE}",
            id="stop_task",
        ),
        pytest.param(
            PlexServer.start_all_tasks, "POST", "/butler", id="start_all_tasks"
        ),
        pytest.param(
            PlexServer.stop_all_tasks, "DELETE", "/butler", id="stop_all_tasks"
        ),
    ],
)
type Call = Callable[[PlexServer], Awaitable[object]]


@every_call
async def test_a_call_is_one_request_without_a_query(
    plex: PlexSimulator, server: PlexServer, call: Call, method: str, path: str
) -> None:
    await call(server)

    (request,) = plex.requests
    assert (request.method, request.raw_path, request.query) == (method, path, "")


@every_call
async def test_headers(
    plex: PlexSimulator,
    session: aiohttp.ClientSession,
    call: Call,
    method: str,
    path: str,
) -> None:
    client = ClientInfo(
        identifier="of-this-home",
        product="A Product",
        version="1.2.3",
        device_name="A Device",
        language="nl",
    )

    await call(PlexServer(session, plex.url, plex.token, client=client))

    headers = plex.requests[0].headers
    assert headers.getall("Accept") == ["application/json"]
    expected = {
        "X-Plex-Client-Identifier": "of-this-home",
        "X-Plex-Product": "A Product",
        "X-Plex-Version": "1.2.3",
        "X-Plex-Device": "A Device",
        "X-Plex-Device-Name": "A Device",
        "X-Plex-Language": "nl",
        "X-Plex-Token": plex.token,
    }
    # The identity is read without the token.
    missing = {"/identity": "X-Plex-Token"}.get(path)
    expected.pop(missing, None)
    assert {k: v for k, v in headers.items() if k.startswith("X-Plex-")} == expected


async def test_default_client(plex: PlexSimulator, server: PlexServer) -> None:
    await server.get_identity()

    headers = plex.requests[0].headers
    assert headers["X-Plex-Client-Identifier"] == "plex-butler"
    assert headers["X-Plex-Product"] == "Butler for Plex"
    assert headers["X-Plex-Version"] == "0"
    assert headers["X-Plex-Device"] == "Butler for Plex"
    assert headers["X-Plex-Device-Name"] == "Butler for Plex"
    assert headers["X-Plex-Language"] == "en"


@every_call
@pytest.mark.parametrize("token", [None, ""])
async def test_without_a_token_no_token_is_sent(
    session: aiohttp.ClientSession,
    token: str | None,
    call: Call,
    method: str,
    path: str,
) -> None:
    async with PlexSimulator(token=None) as unclaimed:
        unclaimed.butler.start(OPTIMIZE)

        await call(PlexServer(session, unclaimed.url, token))

        assert "X-Plex-Token" not in unclaimed.requests[0].headers


@pytest.mark.parametrize("token", ["two\nlines", "caf\xe9", "null\0", "\ud800"])
async def test_invalid_tokens(session: aiohttp.ClientSession, token: str) -> None:
    with pytest.raises(PlexAuthenticationError) as raised:
        PlexServer(session, "192.168.1.5", token)

    assert token not in str(raised.value)


async def test_url_as_typed(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    typed = f" 127.0.0.1:{plex.port}/web/index.html#!/ "
    server = PlexServer(session, typed, plex.token)

    assert str(server.url) == plex.url
    assert await server.get_name() == plex.name


async def test_requests_stay_below_the_prefix_of_a_proxy(
    plex: PlexSimulator, session: aiohttp.ClientSession
) -> None:
    server = PlexServer(session, f"{plex.url}/behind/a%20proxy/", plex.token)

    with pytest.raises(PlexResponseError):
        await server.get_butler_tasks()

    assert plex.requests[0].raw_path == "/behind/a%20proxy/butler"


async def test_session_that_raises_for_status(
    plex: PlexSimulator,
) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        server = PlexServer(session, plex.url, "wrong")

        with pytest.raises(PlexAuthenticationError):
            await server.get_butler_tasks()


# Reading


async def test_get_identity(plex: PlexSimulator, server: PlexServer) -> None:
    assert await server.get_identity() == ServerIdentity(
        machine_identifier=plex.machine_identifier, version=plex.version
    )


@pytest.mark.parametrize("wanted", ["another", "", "5133a1c0de"])
async def test_another_server_answers(
    plex: PlexSimulator, session: aiohttp.ClientSession, wanted: str
) -> None:
    server = PlexServer(session, plex.url, machine_identifier=wanted)

    with pytest.raises(PlexWrongServerError, match="another server answers"):
        await server.get_identity()
    assert server.identity is None


async def test_an_identity_needs_an_identifier(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.EMPTY)

    with pytest.raises(PlexResponseError, match="no machineIdentifier"):
        await server.get_identity()


@pytest.mark.parametrize(
    ("friendly_name", "name"),
    [("Müller", "Müller"), ("", ""), ("x" * 256, "x" * 255), (None, ""), (7, "")],
)
async def test_get_name(
    plex: PlexSimulator, server: PlexServer, friendly_name: Any, name: str
) -> None:
    plex.name = friendly_name

    assert await server.get_name() == name


async def test_a_server_may_have_no_name(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.EMPTY)

    assert await server.get_name() == ""


async def test_get_butler_tasks(plex: PlexSimulator, server: PlexServer) -> None:
    assert await server.get_butler_tasks() == tuple(
        ButlerTask(
            name=task.name,
            title=task.title,
            description=task.description,
            interval=task.interval,
            schedule_randomized=task.schedule_randomized,
            enabled=task.enabled,
        )
        for task in plex.tasks.values()
    )


async def test_an_unchanged_list_is_not_parsed_again(
    plex: PlexSimulator, server: PlexServer
) -> None:
    before = await server.get_butler_tasks()
    assert await server.get_butler_tasks() is before

    plex.inject(Fault.HTML, times=2)
    for _ in range(2):
        with pytest.raises(PlexResponseError):
            await server.get_butler_tasks()
    assert await server.get_butler_tasks() is before

    plex.tasks[OPTIMIZE] = replace(plex.tasks[OPTIMIZE], enabled=False)
    changed = {
        task.name for task in await server.get_butler_tasks() if not task.enabled
    }
    assert changed - {task.name for task in before if not task.enabled} == {OPTIMIZE}
    plex.tasks[OPTIMIZE] = replace(plex.tasks[OPTIMIZE], enabled=True)
    assert await server.get_butler_tasks() == before


async def test_a_server_may_have_no_tasks(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.tasks = {}

    assert await server.get_butler_tasks() == ()


@pytest.mark.parametrize("listed", [True, False])
async def test_an_idle_server_has_no_activities(
    plex: PlexSimulator, server: PlexServer, *, listed: bool
) -> None:
    plex.empty_activity_list = listed

    assert await server.get_activities() == ()


async def test_get_activities(plex: PlexSimulator, server: PlexServer) -> None:
    plex.shape = RunShape.SUBTITLE
    plex.butler.start(OPTIMIZE)

    assert await server.get_activities() == (
        Activity(
            uuid=cast("str", plex.butler.row),
            type="butler",
            title="Butler tasks",
            subtitle="Optimize Database",
            progress=0,
        ),
    )


async def test_invalid_activities_are_skipped(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.activities = ["not an object", {"title": "Scanning", "progress": 50}]

    (activity,) = await server.get_activities()

    assert (activity.title, activity.progress) == ("Scanning", 50)


async def test_limit_of_the_list_of_tasks(
    plex: PlexSimulator, server: PlexServer
) -> None:
    names = [f"Task{number}" for number in range(257)]
    plex.tasks = {name: SimulatedTask(name, name, "", 1) for name in names[:256]}
    assert len(await server.get_butler_tasks()) == 256

    plex.tasks = {name: SimulatedTask(name, name, "", 1) for name in names}
    with pytest.raises(PlexResponseError, match="no list of ButlerTask"):
        await server.get_butler_tasks()


@pytest.mark.parametrize(
    "body",
    [
        b'{"ButlerTasks": []}',
        b'{"ButlerTasks": null}',
        b'{"ButlerTasks": {"ButlerTask": {}}}',
        b'{"ButlerTasks": {"ButlerTask": null}}',
        b'{"MediaContainer": {"ButlerTask": []}}',
        b'"ButlerTasks"',
        b"null",
    ],
)
async def test_answer_without_a_list_is_refused(
    session: aiohttp.ClientSession, body: bytes
) -> None:
    async with Wire(http(body=body)) as wire:
        server = PlexServer(session, wire.address)

        with pytest.raises(PlexResponseError):
            await server.get_butler_tasks()


# Doing


async def test_start_task(plex: PlexSimulator, server: PlexServer) -> None:
    assert await server.start_task(OPTIMIZE) is StartResult.STARTED
    assert await server.start_task(OPTIMIZE) is StartResult.ALREADY_RUNNING
    assert plex.started == [OPTIMIZE]


async def test_start_an_unknown_task(plex: PlexSimulator, server: PlexServer) -> None:
    with pytest.raises(PlexUnknownTaskError, match=r"^NoSuchTask$"):
        await server.start_task("NoSuchTask")


async def test_stop_task(plex: PlexSimulator, server: PlexServer) -> None:
    plex.butler.start(OPTIMIZE)

    assert await server.stop_task(OPTIMIZE) is StopResult.STOPPED
    await plex.wait_idle()
    assert await server.stop_task(OPTIMIZE) is StopResult.NOT_RUNNING
    assert await server.stop_task("NoSuchTask") is StopResult.NOT_RUNNING


async def test_answers_to_starts_and_stops_are_counted(
    plex: PlexSimulator, server: PlexServer
) -> None:
    await server.get_butler_tasks()
    for _ in range(2):
        await server.start_task(OPTIMIZE)
    with pytest.raises(PlexUnknownTaskError):
        await server.start_task("Unknown")
    await server.stop_task("BackupDatabase")
    await server.start_all_tasks()
    plex.inject(Fault.MAINTENANCE, "/butler", times=1)
    with pytest.raises(PlexBusyError):
        await server.stop_all_tasks()
    assert server.answers == {
        "POST one task: 200": 1,
        "POST one task: 202": 1,
        "POST one task: 404": 1,
        "DELETE one task: 404": 1,
        "POST all tasks: 200": 1,
        "DELETE all tasks: PlexBusyError": 1,
    }


async def test_start_and_stop_all_tasks(
    plex: PlexSimulator, server: PlexServer
) -> None:
    await server.start_all_tasks()
    assert not plex.butler.idle

    await server.stop_all_tasks()
    await plex.wait_idle()


@pytest.mark.parametrize(
    "call",
    [PlexServer.get_identity, PlexServer.get_name, PlexServer.get_activities],
)
async def test_every_answer_needs_its_root(
    plex: PlexSimulator,
    server: PlexServer,
    call: Callable[[PlexServer], Awaitable[object]],
) -> None:
    plex.inject(Fault.WRONG_SHAPE)

    with pytest.raises(PlexResponseError, match="no MediaContainer"):
        await call(server)


# One bad task in a good list


def _task(name: str) -> SimulatedTask:
    return SimulatedTask(name, name, "", 1)


async def test_a_bad_task_leaves_the_good_ones(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.inject(Fault.BAD_TASK)

    names = [task.name for task in await server.get_butler_tasks()]

    # One of the malformed ones has a name, so it is a task.
    assert names == ["Malformed", *plex.tasks]


async def test_bad_tasks_are_logged_when_there_are_more_of_them(
    plex: PlexSimulator, server: PlexServer, caplog: pytest.LogCaptureFixture
) -> None:
    good = _task("Good")
    one = {"Good": good, "": _task("")}
    two = one | {"x" * 129: _task("x" * 129)}

    async def warnings() -> list[str]:
        caplog.clear()
        (task,) = await server.get_butler_tasks()
        assert task.name == "Good"
        return [
            record.getMessage()
            for record in caplog.records
            # A busy machine makes asyncio warn, too.
            if record.levelno >= logging.WARNING and record.name != "asyncio"
        ]

    plex.tasks = {"Good": good}
    assert await warnings() == []
    plex.tasks = one
    assert await warnings() == ["1 Butler tasks could not be parsed"]
    assert await warnings() == []
    plex.tasks = two
    assert await warnings() == ["2 Butler tasks could not be parsed"]
    assert await warnings() == []
    plex.tasks = one
    assert await warnings() == []
    plex.tasks = two
    assert await warnings() == ["2 Butler tasks could not be parsed"]


# Names of tasks

ODD_NAMES = (
    "../../x?y",
    "a/b",
    "/",
    "..//..",
    "...",
    "%2e%2e",
    "%2F",
    "%",
    "é",
    "日本",
    "two words",
    "a#b",
    "a;b=c",
    "a?X-Plex-Token=b",
    "a&b+c",
    "a\\b",
    "a:b@c",
    "http://elsewhere.example.com/",
    "tab\tand\nnewline\r\n",
    "null\0",
    "😀",
)
NO_NAMES = ("", ".", "..")


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names(plex: PlexSimulator, server: PlexServer, name: str) -> None:
    plex.tasks = {name: SimulatedTask(name, "Odd", "", 1)}

    assert await server.start_task(name) is StartResult.STARTED
    assert await server.stop_task(name) is StopResult.STOPPED
    assert plex.started == [name]


@pytest.mark.parametrize("name", NO_NAMES)
async def test_names_that_lead_elsewhere(
    plex: PlexSimulator, server: PlexServer, name: str
) -> None:
    with pytest.raises(PlexUnknownTaskError):
        await server.start_task(name)
    with pytest.raises(PlexUnknownTaskError):
        await server.stop_task(name)

    assert plex.requests == []


@given(
    name=st.text(st.characters(codec=None), min_size=1).filter(
        lambda n: n not in NO_NAMES
    )
)
@example(name="\ud800")
@example(name="x" * 4000)
async def test_any_name_is_one_segment_below_butler(
    plex: PlexSimulator, session: aiohttp.ClientSession, name: str
) -> None:
    plex.requests.clear()
    server = PlexServer(session, f"{plex.url}/prefix", plex.token)

    with pytest.raises(PlexUnknownTaskError):
        await server.start_task(name)

    (request,) = plex.requests
    *above, segment = request.raw_path.split("/")
    assert above == ["", "prefix", "butler"]
    assert segment not in {".", ".."}
    assert re.fullmatch(r"([\w.~-]|%[0-9A-F]{2})+", segment, re.ASCII)
    assert unquote_to_bytes(segment) == name.encode(errors="surrogatepass")
    assert request.query == ""


# Reading settings


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
    assert sent(plex) == [("GET", PREFS, "")]


async def test_unknown_kind_of_setting(plex: PlexSimulator, server: PlexServer) -> None:
    odd = SimulatedSetting(id="Odd", type="colour", default="red")
    plex.settings.update({"Odd": odd, "": odd})
    before = len(await server.get_settings())

    plex.settings[""] = SimulatedSetting(id="", type="text", default="")
    found = await server.get_settings()

    assert len(found) == before - 1
    assert {one.id: one.value for one in found}["Odd"] is None


async def test_limit_of_the_list_of_settings(
    plex: PlexSimulator, server: PlexServer
) -> None:
    """The limit is higher than that of tasks."""
    for number in range(2048 - len(plex.settings)):
        one = SimulatedSetting(id=f"Filler{number}", type="int", default="1")
        plex.settings[one.id] = one
    assert len(await server.get_settings()) == 2048

    plex.settings["One"] = SimulatedSetting(id="One", type="int", default="1")
    with pytest.raises(PlexResponseError, match="no list of Setting"):
        await server.get_settings()


# Changing settings


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
    await server.set_settings({setting_id: value})

    assert sent(plex) == [("PUT", PREFS, query)]
    found = {one.id: one.value for one in await server.get_settings()}
    assert found[setting_id] == now


async def test_several_at_once(plex: PlexSimulator, server: PlexServer) -> None:
    await server.set_settings({"ButlerStartHour": 23, "ButlerEndHour": 4})

    assert sent(plex) == [("PUT", PREFS, "ButlerStartHour=23&ButlerEndHour=4")]
    assert plex.settings.number("ButlerStartHour") == 23
    assert plex.settings.number("ButlerEndHour") == 4


async def test_odd_setting_ids(plex: PlexSimulator, server: PlexServer) -> None:
    odd = "a&X-Plex-Token=b#c/../?d é"
    plex.settings[odd] = SimulatedSetting(id=odd, type="text", default="")

    await server.set_settings({odd: "&e=f"})

    assert plex.settings[odd].current == "&e=f"
    assert plex.requests[0].raw_path == PREFS


# After a change


async def test_pause_after_a_change(plex: PlexSimulator, server: PlexServer) -> None:
    """No request is sent while the server refuses all of them."""
    plex.settings.unsettled = 0.4
    await server.set_settings({"OnDeckWindow": 3})
    await server.get_settings()

    assert [method for method, *_ in sent(plex)] == ["PUT", "GET"]


async def test_pause_is_cancelled(
    plex: PlexSimulator, server: PlexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PAUSE", 1e6)
    change = asyncio.create_task(server.set_settings({"OnDeckWindow": 3}))
    await plex.wait_for_request("PUT", PREFS)

    change.cancel()
    with pytest.raises(asyncio.CancelledError):
        await change


async def test_one_refusal_after_a_change_is_tolerated(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.settings.unsettled = 0.7
    await server.set_settings({"OnDeckWindow": 3})
    found = {one.id: one.value for one in await server.get_settings()}

    assert found["OnDeckWindow"] == 3
    assert [method for method, *_ in sent(plex)] == ["PUT", "GET", "GET"]


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE", 0)


@pytest.mark.usefixtures("no_pause")
async def test_only_one_is_tolerated(plex: PlexSimulator, server: PlexServer) -> None:
    plex.settings.unsettled = 1e9
    await server.set_settings({"OnDeckWindow": 3})

    with pytest.raises(PlexResponseError) as raised:
        await server.get_settings()
    assert raised.value.status == 400
    assert [method for method, *_ in sent(plex)] == ["PUT", "GET", "GET"]


@pytest.mark.parametrize(
    "call", [PlexServer.get_butler_tasks, PlexServer.start_all_tasks]
)
async def test_one_refusal_after_a_change_by_another_client_is_tolerated(
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
async def test_settings_of_a_shared_server(
    plex: PlexSimulator,
    session: aiohttp.ClientSession,
    status: int,
    error: type[PlexError],
) -> None:
    """403 is also the answer for an unknown setting, so the list of tasks decides."""
    plex.shared_status = status
    server = PlexServer(session, plex.url, plex.shared_token)

    with pytest.raises(error):
        await server.set_settings({"OnDeckWindow": 3})
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
        await server.set_settings({"OnDeckWindow": 3})
    assert not isinstance(raised.value, PlexSettingError)
    assert plex.settings.number("OnDeckWindow") == 16


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.WRONG_TYPES, Fault.WRONG_SHAPE])
async def test_no_list_of_settings(
    plex: PlexSimulator, server: PlexServer, fault: Fault
) -> None:
    plex.inject(fault, PREFS)

    with pytest.raises(PlexResponseError):
        await server.get_settings()
