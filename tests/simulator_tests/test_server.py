"""The simulated server is who it says, lists what it has and records what comes."""

import asyncio

import aiohttp
import pytest

from tests.simulator import PlexSimulator, SimulatedTask, default_tasks

from .client import BACKUP, Client, three

TASK_FIELDS = [
    "name",
    "interval",
    "scheduleRandomized",
    "enabled",
    "title",
    "description",
]


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


# Life and death


async def test_default_surface(plex: PlexSimulator) -> None:
    assert plex.url.startswith("http://127.0.0.1:")
    assert len(plex.machine_identifier) == 40
    assert plex.name == "Media Server"
    assert plex.version == "1.43.4.10903-e5521bd8c"


@pytest.mark.parametrize("as_list", [True, False])
async def test_own_tasks(*, as_list: bool) -> None:
    tasks = {task.name: task for task in three()}

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
