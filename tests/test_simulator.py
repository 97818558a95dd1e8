"""The simulated server does what it says it does."""

import asyncio
from collections.abc import AsyncGenerator, Callable
import json
import logging
import signal
import sys
import time
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, fromstring

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.simulator import (
    Fault,
    PlexSimulator,
    RunShape,
    SimulatedTask,
    default_tasks,
)

pytestmark = pytest.mark.usefixtures("socket_enabled")

JSON = {"Accept": "application/json"}
BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
TASK_FIELDS = [
    "name",
    "interval",
    "scheduleRandomized",
    "enabled",
    "title",
    "description",
]
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


class Reply(NamedTuple):
    status: int
    content_type: str
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def xml(self) -> Element:
        return fromstring(self.body)  # noqa: S314 - nobody else's XML


class Client:
    """A client of one simulator, the owner's unless told otherwise."""

    def __init__(self, plex: PlexSimulator, session: aiohttp.ClientSession) -> None:
        self.plex = plex
        self.session = session

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        token: str | None = "",
        headers: dict[str, str] = JSON,
        **kwargs: Any,
    ) -> Reply:
        sent = self.plex.token if token == "" else token
        headers = headers | ({} if sent is None else {"X-Plex-Token": sent})
        async with self.session.request(
            method, self.plex.url + path, headers=headers, **kwargs
        ) as response:
            body = await response.read()
            return Reply(response.status, response.content_type, response.headers, body)

    async def activities(self) -> list[dict[str, Any]]:
        reply = await self("GET", "/activities")
        activities: list[dict[str, Any]]
        activities = reply.json["MediaContainer"].get("Activity", [])
        return activities

    async def titles(self) -> list[str]:
        return [activity["title"] for activity in await self.activities()]


@pytest.fixture
async def plex(socket_enabled: None) -> AsyncGenerator[PlexSimulator]:
    async with PlexSimulator() as plex:
        yield plex


@pytest.fixture
async def ask(plex: PlexSimulator) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(plex, session)


# Who the server is, and who may ask


async def test_identity_needs_no_token(plex: PlexSimulator, ask: Client) -> None:
    reply = await ask("GET", "/identity", token=None)

    assert reply.status == 200
    assert reply.json == {
        "MediaContainer": {
            "size": 0,
            "apiVersion": "1.2.3",
            "claimed": True,
            "machineIdentifier": plex.machine_identifier,
            "version": plex.version,
        }
    }


async def test_root_adds_the_name(plex: PlexSimulator, ask: Client) -> None:
    plex.name = "Attic"
    plex.machine_identifier = "f" * 40
    plex.version = "2.0"

    root = (await ask("GET", "/")).json["MediaContainer"]

    assert root["friendlyName"] == "Attic"
    assert root["machineIdentifier"] == "f" * 40
    assert root["version"] == "2.0"
    assert root["platform"] == "Linux"
    assert root["myPlexUsername"] == "owner@example.com"


@pytest.mark.parametrize("path", ["/", "/butler", "/activities", "/butler/x", "/y"])
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_bad_token_is_401_html(ask: Client, path: str, token: str | None) -> None:
    reply = await ask("GET", path, token=token)

    assert (reply.status, reply.content_type) == (401, "text/html")


async def test_token_as_query_parameter(plex: PlexSimulator, ask: Client) -> None:
    good = await ask("GET", f"/butler?X-Plex-Token={plex.token}", token=None)
    bad = await ask("GET", "/butler?X-Plex-Token=wrong", token=None)

    assert (good.status, bad.status) == (200, 401)


async def test_token_changes_while_running(plex: PlexSimulator, ask: Client) -> None:
    old, plex.token = plex.token, "new"

    assert (await ask("GET", "/butler", token=old)).status == 401
    assert (await ask("GET", "/butler", token="new")).status == 200


async def test_unclaimed_server_asks_for_no_token(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.token = None

    assert (await ask("GET", "/butler")).status == 200
    identity = await ask("GET", "/identity")
    assert identity.json["MediaContainer"]["claimed"] is False


@pytest.mark.parametrize("status", [403, 401])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/butler"),
        ("POST", "/butler"),
        ("DELETE", "/butler"),
        ("POST", f"/butler/{BACKUP}"),
        ("DELETE", f"/butler/{BACKUP}"),
        ("GET", "/activities"),
    ],
)
async def test_shared_user_is_no_owner(
    plex: PlexSimulator, ask: Client, method: str, path: str, status: int
) -> None:
    plex.shared_status = status

    reply = await ask(method, path, token=plex.shared_token)

    assert (reply.status, reply.content_type) == (status, "text/html")
    assert (await ask("GET", "/", token=plex.shared_token)).status == 200
    assert plex.started == []


# The list of tasks


async def test_list_in_json(plex: PlexSimulator, ask: Client) -> None:
    reply = await ask("GET", "/butler")

    assert (reply.status, reply.content_type) == (200, "application/json")
    tasks = reply.json["ButlerTasks"]["ButlerTask"]
    assert [task["name"] for task in tasks] == list(plex.tasks)
    assert len(tasks) == 22
    assert all(list(task) == TASK_FIELDS for task in tasks)
    assert tasks[1] == {
        "name": "BackupDatabase",
        "interval": 3,
        "scheduleRandomized": False,
        "enabled": True,
        "title": "Backup Database",
        "description": "Create a backup copy of the server's database in the"
        " configured backup directory",
    }


async def test_list_in_xml_by_default(plex: PlexSimulator, ask: Client) -> None:
    reply = await ask("GET", "/butler", headers={})

    assert (reply.status, reply.content_type) == (200, "text/xml")
    assert reply.xml.tag == "ButlerTasks"
    assert [task.tag for task in reply.xml] == ["ButlerTask"] * 22
    assert [task.get("name") for task in reply.xml] == list(plex.tasks)
    assert reply.xml[1].attrib == {
        "name": "BackupDatabase",
        "interval": "3",
        "scheduleRandomized": "0",
        "enabled": "1",
        "title": "Backup Database",
        "description": "Create a backup copy of the server's database in the"
        " configured backup directory",
    }


async def test_tasks_come_and_go(plex: PlexSimulator, ask: Client) -> None:
    strange = "../../x?y ü"
    plex.tasks.clear()
    empty = await ask("GET", "/butler")
    plex.tasks[strange] = SimulatedTask(strange, "Strange", "Odd name", 1)
    path = "/butler/..%2F..%2Fx%3Fy%20%C3%BC"

    assert empty.json == {"ButlerTasks": {}}
    assert (await ask("GET", "/butler")).json["ButlerTasks"]["ButlerTask"]
    assert (await ask("POST", path)).status == 200
    assert plex.started == [strange]
    del plex.tasks[strange]
    assert (await ask("POST", path)).status == 404


def test_only_the_short_backup_ends_by_itself_in_tests() -> None:
    durations = {task.name: task.duration for task in default_tasks().values()}
    shown = [task.duration for task in default_tasks(speed=2).values()]

    assert durations.pop(BACKUP) == 0.11
    assert set(durations.values()) == {None}
    assert all(seconds is not None and 0 < seconds <= 20 for seconds in shown)


# Starting and stopping one task


async def test_start_and_end(plex: PlexSimulator, ask: Client) -> None:
    path = f"/butler/{OPTIMIZE}"
    started = await ask("POST", path)

    assert (started.status, started.content_type) == (200, "text/html")
    assert started.body == b""
    assert (await ask("POST", path)).status == 202
    assert plex.started == [OPTIMIZE]
    assert OPTIMIZE in await ask.titles()
    plex.finish(OPTIMIZE)
    await plex.wait_idle()
    assert await ask.activities() == []
    assert (await ask("POST", path)).status == 200


@pytest.mark.parametrize("duration", [0, 0.01])
async def test_run_ends_by_itself(
    plex: PlexSimulator, ask: Client, duration: float
) -> None:
    plex.tasks["Short"] = SimulatedTask("Short", "", "", 1, duration=duration)

    assert (await ask("POST", "/butler/Short")).status == 200
    await plex.wait_idle()
    assert plex.started == ["Short"]
    assert await ask.activities() == []


async def test_run_follows_a_frozen_clock(
    plex: PlexSimulator, ask: Client, freezer: FrozenDateTimeFactory
) -> None:
    await ask("POST", f"/butler/{BACKUP}")
    freezer.tick(0.1)
    assert BACKUP in await ask.titles()

    freezer.tick(0.02)
    await plex.wait_idle()
    assert await ask.activities() == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("path", ["/butler/Nonsense", "/butler/", "/butler/a/b"])
async def test_unknown_task(ask: Client, method: str, path: str) -> None:
    assert (await ask(method, path)).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/elsewhere"),
        ("PUT", "/butler"),
        ("PUT", f"/butler/{BACKUP}"),
        ("GET", f"/butler/{BACKUP}"),
        ("POST", "/activities"),
    ],
)
async def test_what_plex_does_not_have(ask: Client, method: str, path: str) -> None:
    reply = await ask(method, path)

    assert (reply.status, reply.content_type) == (404, "text/html")


async def test_stopping_takes_a_while(plex: PlexSimulator, ask: Client) -> None:
    path = f"/butler/{OPTIMIZE}"
    await ask("POST", path)

    stopped = await ask("DELETE", path)
    assert (stopped.status, stopped.content_type, stopped.body) == (
        200,
        "text/html",
        b"",
    )
    assert plex.butler.running
    await plex.wait_idle()
    assert (await ask("DELETE", path)).status == 404


async def test_stopping_until_finished_by_hand(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.stop_delay = None
    path = f"/butler/{OPTIMIZE}"
    await ask("POST", path)

    assert (await ask("DELETE", path)).status == 200
    assert (await ask("DELETE", path)).status == 200
    assert (await ask("POST", path)).status == 202
    assert OPTIMIZE in await ask.titles()
    plex.finish(OPTIMIZE)
    assert await ask.titles() == []


async def test_stop_delay_of_nothing(plex: PlexSimulator, ask: Client) -> None:
    plex.stop_delay = 0
    await ask("POST", f"/butler/{OPTIMIZE}")
    await ask("DELETE", f"/butler/{OPTIMIZE}")

    await plex.wait_idle()
    assert await ask.titles() == []


def test_finish_needs_a_run() -> None:
    with pytest.raises(ValueError, match="not running"):
        PlexSimulator().finish(OPTIMIZE)


# Starting and stopping all


def _three(**durations: float | None) -> list[SimulatedTask]:
    return [
        SimulatedTask("A", "Task A", "", 1, duration=durations.get("A")),
        SimulatedTask("B", "Task B", "", 1, schedule_randomized=True),
        SimulatedTask("C", "Task C", "", 1),
        SimulatedTask("Off", "Disabled", "", 1, enabled=False),
    ]


async def test_start_all_works_through_the_enabled(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.tasks = {task.name: task for task in _three()}

    assert (await ask("POST", "/butler")).status == 200
    assert (await ask("POST", "/butler")).status == 200
    assert plex.started == ["A"]
    plex.finish("A")
    assert plex.started == ["A", "B"]
    plex.finish("B")
    plex.finish("C")
    await plex.wait_idle()
    assert plex.started == ["A", "B", "C"]


async def test_single_start_runs_beside_the_queue(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.tasks = {task.name: task for task in _three()}
    await ask("POST", "/butler")

    assert (await ask("POST", "/butler/C")).status == 200
    assert plex.started == ["A", "C"]
    plex.finish("C")
    assert plex.started == ["A", "C"]
    plex.finish("A")
    plex.finish("B")
    await plex.wait_idle()
    assert plex.started == ["A", "C", "B"]


async def test_stop_removes_from_the_queue(plex: PlexSimulator, ask: Client) -> None:
    plex.tasks = {task.name: task for task in _three()}
    await ask("POST", "/butler")

    assert (await ask("DELETE", "/butler/B")).status == 200
    assert (await ask("DELETE", "/butler/B")).status == 404
    plex.finish("A")
    assert plex.started == ["A", "C"]


async def test_stopping_gives_the_turn_to_the_next(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.stop_delay = 0
    plex.tasks = {task.name: task for task in _three()}
    del plex.tasks["B"]
    await ask("POST", "/butler")
    await ask("DELETE", "/butler/A")

    assert (await ask.titles())[1:] == ["C"]


async def test_vanished_task_loses_its_turn(plex: PlexSimulator, ask: Client) -> None:
    plex.tasks = {task.name: task for task in _three()}
    await ask("POST", "/butler")
    del plex.tasks["B"]

    plex.finish("A")
    assert plex.started == ["A", "C"]


async def test_stop_all_empties_the_queue(plex: PlexSimulator, ask: Client) -> None:
    await ask("POST", "/butler")
    await ask("POST", f"/butler/{OPTIMIZE}")

    assert (await ask("DELETE", "/butler")).status == 200
    await plex.wait_idle()
    assert len(plex.started) == 2
    assert (await ask("DELETE", "/butler")).status == 200


async def test_inside_the_window_randomised_tasks_wait(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.tasks = {task.name: task for task in _three()}
    plex.inside_window = True
    await ask("POST", "/butler")
    plex.finish("A")
    plex.finish("C")

    await plex.wait_idle()
    assert plex.started == ["A", "C"]
    assert await ask.titles() == []
    assert (await ask("DELETE", "/butler/B")).status == 200
    assert (await ask("DELETE", "/butler/B")).status == 404


# What a run looks like


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
    plex.tasks = {task.name: task for task in _three()}
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


# Recording


async def test_requests_are_recorded_as_sent(plex: PlexSimulator, ask: Client) -> None:
    await ask("GET", "/identity", token=None)
    await ask("POST", "/butler/x%2Fy?a=%20b", headers={"X-Test": "1"})

    first, second = plex.requests
    assert (first.method, first.raw_path, first.query) == ("GET", "/identity", "")
    assert (second.raw_path, second.query) == ("/butler/x%2Fy", "a=%20b")
    assert second.headers["x-test"] == "1"
    assert (first.token, second.token) == (None, plex.token)


async def test_wait_for_request(plex: PlexSimulator, ask: Client) -> None:
    waiter = asyncio.create_task(plex.wait_for_request("GET", "/butler"))
    await ask("POST", "/butler")
    assert not waiter.done()

    await ask("GET", "/butler")
    request = await waiter
    assert request is plex.requests[1]
    assert await plex.wait_for_request("GET", "/butler") is request


# Faults


def _is_json(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    assert isinstance(reply.json, dict)


def _is_huge(reply: Reply) -> None:
    _is_json(reply)
    assert len(reply.body) > 4 * 2**20


def _is_huge_with_length(reply: Reply) -> None:
    _is_huge(reply)
    assert int(reply.headers["Content-Length"]) > 4 * 2**20


def _is_huge_without_length(reply: Reply) -> None:
    _is_huge(reply)
    assert "Content-Length" not in reply.headers


def _is_bomb(reply: Reply) -> None:
    _is_huge(reply)
    assert int(reply.headers["Content-Length"]) < 100_000


def _is_page(reply: Reply) -> None:
    assert reply.content_type == "text/html"
    assert reply.body.startswith(b"<html>")
    assert "Retry-After" not in reply.headers


def _is_maintenance(reply: Reply) -> None:
    assert reply.xml.get("title") == "Maintenance"
    assert "Retry-After" not in reply.headers


def _is_maintenance_for_a_while(reply: Reply) -> None:
    assert reply.xml.get("title") == "Maintenance"
    assert reply.headers["Retry-After"] == "120"


def _asks_for_patience(reply: Reply) -> None:
    assert reply.headers["Retry-After"] == "30"


def _is(expected: Any) -> Callable[[Reply], None]:
    def check(reply: Reply) -> None:
        assert reply.content_type == "application/json"
        assert reply.json == expected

    return check


def _is_not_utf8(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    with pytest.raises(UnicodeDecodeError):
        reply.body.decode()


def _is_deep(reply: Reply) -> None:
    assert reply.content_type == "application/json"
    assert reply.body == b"[" * 100_000 + b"]" * 100_000


def _has_bad_tasks(reply: Reply) -> None:
    tasks = reply.json["ButlerTasks"]["ButlerTask"]
    nameless, text, number, interval = tasks[:4]
    assert "name" not in nameless
    assert text == "not an object"
    assert number["name"] == 7
    assert interval["interval"] == "abc"
    assert [task["name"] for task in tasks[4:]] == list(default_tasks())


def _leads_elsewhere(reply: Reply) -> None:
    assert reply.headers["Location"] == "http://elsewhere.example.com:32400/"


def _leads_here(reply: Reply) -> None:
    assert reply.headers["Location"] == "/redirected/butler?a=b"


def _leads_round(reply: Reply) -> None:
    assert reply.headers["Location"] == "/butler?a=b"


@pytest.mark.parametrize(
    ("fault", "status", "check"),
    [
        (Fault.UNAUTHORIZED, 401, _is_page),
        (Fault.FORBIDDEN, 403, _is_page),
        (Fault.NOT_FOUND, 404, _is_page),
        (Fault.SERVER_ERROR, 500, _is_page),
        (Fault.BAD_GATEWAY, 502, _is_page),
        (Fault.MAINTENANCE, 503, _is_maintenance),
        (Fault.MAINTENANCE_RETRY_AFTER, 503, _is_maintenance_for_a_while),
        (Fault.RATE_LIMITED, 429, _asks_for_patience),
        (Fault.RATE_LIMITED_BARE, 429, _is_page),
        (Fault.HTML, 200, _is_page),
        (Fault.HUGE, 200, _is_huge_without_length),
        (Fault.HUGE_LENGTH, 200, _is_huge_with_length),
        (Fault.REDIRECT_ELSEWHERE, 302, _leads_elsewhere),
        (Fault.REDIRECT_HERE, 307, _leads_here),
        (Fault.REDIRECT_LOOP, 302, _leads_round),
        (Fault.WRONG_SHAPE, 200, _is({"MediaContainer": {"size": 0}})),
        (Fault.WRONG_TYPES, 200, _is([])),
        (Fault.EMPTY, 200, _is({"ButlerTasks": {}})),
        (Fault.BAD_TASK, 200, _has_bad_tasks),
        (Fault.NOT_UTF8, 200, _is_not_utf8),
        (Fault.DEEP_JSON, 200, _is_deep),
        (Fault.GZIP_BOMB, 200, _is_bomb),
    ],
)
async def test_faults(
    plex: PlexSimulator,
    ask: Client,
    fault: Fault,
    status: int,
    check: Callable[[Reply], None],
) -> None:
    plex.inject(fault)

    reply = await ask("GET", "/butler?a=b", allow_redirects=False)

    assert reply.status == status
    check(reply)
    plex.clear_faults()
    assert len((await ask("GET", "/butler")).json["ButlerTasks"]["ButlerTask"]) == 22


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.WRONG_SHAPE, {"ButlerTasks": {}}),
        (Fault.EMPTY, {"MediaContainer": {"size": 0}}),
        (Fault.BAD_TASK, {"MediaContainer": {"size": 0}}),
    ],
)
async def test_faults_of_other_documents(
    plex: PlexSimulator, ask: Client, fault: Fault, expected: dict[str, Any]
) -> None:
    plex.inject(fault)

    assert (await ask("GET", "/activities")).json == expected


@pytest.mark.parametrize("path", ["/butler", f"/butler/{OPTIMIZE}"])
async def test_slow_answers_when_released(
    plex: PlexSimulator, ask: Client, path: str
) -> None:
    plex.inject(Fault.SLOW, times=1)
    hanging = asyncio.create_task(ask("POST", path))
    await plex.wait_for_request("POST", path)
    await ask("GET", "/butler")

    assert not hanging.done()
    assert plex.started == []
    plex.clear_faults()
    assert (await hanging).status == 200
    assert len(plex.started) == 1


async def test_slow_ends_with_its_client(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.SLOW, "/butler")
    hanging = asyncio.create_task(ask("POST", "/butler"))
    await plex.wait_for_request("POST", "/butler")
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await ask("GET", "/identity")
    plex.clear_faults()
    await ask("GET", "/identity")

    assert plex.started == []


async def test_hanging_request_ends_with_the_server(
    plex: PlexSimulator, ask: Client, freezer: FrozenDateTimeFactory
) -> None:
    freezer.tick(0)
    plex.inject(Fault.SLOW)
    hanging = asyncio.create_task(ask("POST", "/butler"))
    await plex.wait_for_request("POST", "/butler")
    await plex.stop()

    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging
    assert plex.started == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_drip(plex: PlexSimulator, ask: Client, method: str) -> None:
    truth = (await ask(method, "/butler")).body
    plex.inject(Fault.DRIP)
    async with ask.session.request(
        method,
        f"{plex.url}/butler",
        headers=JSON | {"X-Plex-Token": plex.token or ""},
    ) as response:
        first = await response.content.readexactly(len(truth) // 2)
        rest = asyncio.create_task(response.read())
        await ask("GET", "/simulator/faults")

        assert response.status == 200
        assert not rest.done()
        plex.clear_faults()
        assert first + await rest == truth


async def test_drop(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.DROP)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ask("POST", "/butler")
    assert plex.started == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_truncated(plex: PlexSimulator, ask: Client, method: str) -> None:
    plex.inject(Fault.TRUNCATED)

    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(method, "/butler")


async def test_redirect_here_ends_well(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.REDIRECT_HERE)

    assert (await ask("POST", f"/butler/{OPTIMIZE}")).status == 200
    assert plex.started == [OPTIMIZE]
    assert [request.raw_path for request in plex.requests] == [
        f"/butler/{OPTIMIZE}",
        f"/redirected/butler/{OPTIMIZE}",
    ]


async def test_redirect_loop_never_ends(plex: PlexSimulator, ask: Client) -> None:
    plex.inject(Fault.REDIRECT_LOOP)

    with pytest.raises(aiohttp.TooManyRedirects):
        await ask("GET", "/butler")


async def test_redirect_target(plex: PlexSimulator, ask: Client) -> None:
    async with PlexSimulator(name="Other") as other:
        plex.redirect_target = f"{other.url}/identity"
        plex.inject(Fault.REDIRECT_ELSEWHERE)
        await ask("GET", "/butler")

        assert [request.raw_path for request in other.requests] == ["/identity"]


async def test_closest_fault_wins_and_counts_down(
    plex: PlexSimulator, ask: Client
) -> None:
    async def status(method: str, path: str) -> int:
        return (await ask(method, path)).status

    plex.inject(Fault.SERVER_ERROR)
    plex.inject(Fault.RATE_LIMITED, method="POST")
    plex.inject(Fault.NOT_FOUND, "/butler")
    plex.inject(Fault.HTML, "/butler", "GET", times=5)
    plex.inject(Fault.FORBIDDEN, "/butler", "GET", times=2)

    assert [await status("GET", "/butler") for _ in range(3)] == [403, 403, 404]
    assert await status("POST", "/butler") == 404
    assert await status("POST", "/butler/x") == 429
    assert await status("GET", "/identity") == 500
    plex.clear_faults()
    assert await status("GET", "/identity") == 200


def test_no_times_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        PlexSimulator().inject(Fault.SLOW, times=0)


# Life and death


async def test_default_surface(plex: PlexSimulator) -> None:
    assert plex.url.startswith("http://127.0.0.1:")
    assert len(plex.machine_identifier) == 40
    assert plex.name == "Media Server"
    assert plex.version == "1.43.4.10903-e5521bd8c"


@pytest.mark.parametrize("as_list", [True, False])
async def test_own_tasks(*, as_list: bool) -> None:
    tasks = {task.name: task for task in _three()}

    plex = PlexSimulator(tasks=tasks.values() if as_list else tasks)

    assert plex.tasks == tasks


async def test_restart_on_the_same_port(plex: PlexSimulator, ask: Client) -> None:
    await ask("POST", f"/butler/{BACKUP}")
    url = plex.url
    await plex.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask("GET", "/butler")

    await plex.start()
    assert plex.url == url
    assert await ask.activities() == []


async def test_taken_port(plex: PlexSimulator) -> None:
    with pytest.raises(OSError, match="in use"):
        await PlexSimulator(port=plex.port).start()


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("leave", [asyncio.StreamWriter.close, lambda _: None])
async def test_faults_neither_log_errors_nor_delay_the_end(
    plex: PlexSimulator,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    leave: Callable[[asyncio.StreamWriter], None],
) -> None:
    plex.inject(fault)
    # A client that reads nothing of what it gets, and leaves before the end or not.
    _reader, writer = await asyncio.open_connection("127.0.0.1", plex.port)
    head = f"GET /butler HTTP/1.1\r\nHost: x\r\nX-Plex-Token: {plex.token}\r\n\r\n"
    writer.write(head.encode())
    await plex.wait_for_request("GET", "/butler")
    leave(writer)
    began = time.perf_counter()
    await plex.stop()

    assert time.perf_counter() - began < 0.5
    assert plex.butler.idle
    assert all(record.levelno < logging.ERROR for record in caplog.records)
    writer.close()


# From a shell


async def test_control_of_faults(plex: PlexSimulator, ask: Client) -> None:
    path = "/simulator/faults"
    rows = [
        {"fault": "HTML", "path": "/butler", "method": "GET", "times": 2},
        {"fault": "SLOW", "path": None, "method": None, "times": None},
    ]
    await ask("POST", f"{path}?fault=html&path=/butler&method=GET&times=2", token=None)
    await ask("POST", path, token=None, json={"fault": "SLOW"})

    assert (await ask("GET", path, token=None)).json == rows
    assert (await ask("GET", "/butler")).content_type == "text/html"
    assert (await ask("DELETE", path, token=None)).json == []
    assert (await ask("GET", "/butler")).content_type == "application/json"
    assert [request.raw_path for request in plex.requests] == ["/butler"] * 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults?fault=NONSENSE", None, 400),
        ("POST", "faults", None, 400),
        ("POST", "faults?fault=SLOW&nonsense=1", None, 400),
        ("POST", "faults?fault=SLOW&times=0", None, 400),
        ("POST", "faults", b"[]", 400),
        ("POST", "faults", b"{", 400),
        ("PUT", "faults", None, 404),
        ("GET", "nonsense", None, 404),
    ],
)
async def test_control_mistakes(
    ask: Client, method: str, path: str, body: bytes | None, status: int
) -> None:
    reply = await ask(method, f"/simulator/{path}", data=body)

    assert reply.status == status
    assert reply.json["error"]
    assert (await ask("GET", "/simulator/faults")).json == []


async def test_control_of_requests(ask: Client) -> None:
    await ask("GET", "/butler?a=b")

    (request,) = (await ask("GET", "/simulator/requests", token=None)).json
    assert (request["method"], request["raw_path"], request["query"]) == (
        "GET",
        "/butler",
        "a=b",
    )
    assert ["Accept", "application/json"] in request["headers"]


async def _serve(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.simulator", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("number", "arguments", "token", "shown"),
    [
        (signal.SIGINT, ["--token", "secret"], "secret", "secret"),
        (signal.SIGTERM, ["--unclaimed"], None, "none needed"),
    ],
)
async def test_command(
    number: signal.Signals, arguments: list[str], token: str | None, shown: str
) -> None:
    process = await _serve("--port", "0", "--name", "Cellar", *arguments)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    assert (await process.stdout.readline()).decode() == f"Token: {shown}\n"
    headers = JSON | ({} if token is None else {"X-Plex-Token": token})
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(url) as response,
        session.post(f"{url}/butler") as started,
    ):
        root = await response.json()
        assert started.status == 200
    process.send_signal(number)

    assert root["MediaContainer"]["friendlyName"] == "Cellar"
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0


async def test_command_on_a_taken_port(plex: PlexSimulator) -> None:
    process = await _serve("--port", str(plex.port))
    stdout, stderr = await process.communicate()

    assert process.returncode == 1
    assert stdout == b""
    assert stderr.decode().startswith(f"Cannot listen on port {plex.port}: ")
    assert stderr.count(b"\n") == 1
