"""Public Plex clients can use the simulated server.

They were made for real servers, so the simulator behaves like one.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from plex_api_client import PlexAPI
from plex_api_client.models.errors import SDKError
from plexapi.exceptions import NotFound, Unauthorized
from plexapi.server import PlexServer
import pytest

from tests.simulator import PlexSimulator, RecordedRequest, RunShape, SimulatedTask

pytestmark = pytest.mark.usefixtures("socket_enabled")

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"


@pytest.fixture
async def plex(socket_enabled: None) -> AsyncIterator[PlexSimulator]:
    async with PlexSimulator() as plex:
        yield plex


@pytest.fixture
async def server(plex: PlexSimulator) -> PlexServer:
    """The client of plexapi; its calls block, so they run in a thread."""
    return await asyncio.to_thread(PlexServer, plex.url, plex.token)


@pytest.fixture
async def api(plex: PlexSimulator) -> AsyncIterator[PlexAPI]:
    """The client of plex-api-client."""
    async with PlexAPI(server_url=plex.url, token=plex.token) as api:
        yield api


def _row(task: Any, randomized: str = "schedule_randomized") -> tuple[Any, ...]:
    return (
        task.name,
        task.title,
        task.description,
        task.interval,
        getattr(task, randomized),
        task.enabled,
    )


def _line(request: RecordedRequest) -> tuple[str, str]:
    return request.method, request.raw_path


# plexapi, which reads XML


async def test_plexapi_knows_the_server(
    plex: PlexSimulator, server: PlexServer
) -> None:
    identity = await asyncio.to_thread(server.identity)

    assert server.friendlyName == plex.name
    assert server.machineIdentifier == identity.machineIdentifier
    assert identity.machineIdentifier == plex.machine_identifier
    assert server.version == identity.version == plex.version
    assert server.platform == "Linux"
    assert identity.claimed is True


async def test_plexapi_lists_tasks(plex: PlexSimulator, server: PlexServer) -> None:
    tasks = await asyncio.to_thread(server.butlerTasks)

    assert [_row(task, "scheduleRandomized") for task in tasks] == [
        _row(task) for task in plex.tasks.values()
    ]


async def test_plexapi_starts_a_task(plex: PlexSimulator, server: PlexServer) -> None:
    assert await asyncio.to_thread(lambda: server.activities) == []

    await asyncio.to_thread(server.runButlerTask, OPTIMIZE)

    assert plex.started == [OPTIMIZE]
    assert _line(plex.requests[-1]) == ("POST", f"/butler/{OPTIMIZE}")
    parent, task = await asyncio.to_thread(lambda: server.activities)
    assert (parent.type, parent.title) == ("butler", "Butler tasks")
    assert (parent.subtitle, parent.progress) == ("", 0)
    assert parent.uuid
    assert parent.cancellable is False
    assert task.title == OPTIMIZE
    plex.finish(OPTIMIZE)
    assert await asyncio.to_thread(lambda: server.activities) == []


async def test_plexapi_stops_a_task(plex: PlexSimulator, server: PlexServer) -> None:
    # It has no method for this, only a general one.
    stop = partial(server.query, method=server._session.delete)  # noqa: SLF001
    await asyncio.to_thread(server.runButlerTask, OPTIMIZE)

    await asyncio.to_thread(stop, f"/butler/{OPTIMIZE}")

    await plex.wait_idle()
    with pytest.raises(NotFound):
        await asyncio.to_thread(stop, f"/butler/{OPTIMIZE}")
    await asyncio.to_thread(stop, "/butler")


async def test_plexapi_with_a_bad_token(plex: PlexSimulator) -> None:
    with pytest.raises(Unauthorized):
        await asyncio.to_thread(PlexServer, plex.url, "wrong")


async def test_plexapi_with_a_shared_token(plex: PlexSimulator) -> None:
    plex.shared_status = 401
    server = await asyncio.to_thread(PlexServer, plex.url, plex.shared_token)

    with pytest.raises(Unauthorized):
        await asyncio.to_thread(server.butlerTasks)


async def test_plexapi_with_an_unclaimed_server(plex: PlexSimulator) -> None:
    plex.token = None
    server = await asyncio.to_thread(PlexServer, plex.url, "")

    assert len(await asyncio.to_thread(server.butlerTasks)) == 22


@pytest.mark.parametrize("shape", RunShape)
async def test_plexapi_is_alerted(
    plex: PlexSimulator, server: PlexServer, shape: RunShape
) -> None:
    plex.shape = shape
    plex.tasks["Short"] = SimulatedTask("Short", "Short", "", 1, duration=0)
    told: list[tuple[str, str]] = []
    errors: list[Any] = []

    def hear(alert: dict[str, Any]) -> None:
        (row,) = alert["ActivityNotification"]
        told.append((row["event"], row["Activity"]["title"]))
        if told[-1] == ("ended", "Butler tasks"):
            # In its own thread: websocket-client may not notice a stop from another
            # one for ten seconds.
            listener.stop()

    listener = server.startAlertListener(hear, errors.append)
    await plex.wait_for_sockets(1)
    await asyncio.to_thread(server.runButlerTask, "Short")
    await asyncio.to_thread(listener.join, 10)

    assert not listener.is_alive()
    assert told[0] == ("started", "Butler tasks")
    assert [event for event, title in told if title == "Short"] == (
        ["started", "ended"] if shape.sub_activities else []
    )
    assert told[-1] == ("ended", "Butler tasks")
    assert errors == []
    await plex.wait_for_sockets(0)


async def test_plexapi_reads_settings(plex: PlexSimulator, server: PlexServer) -> None:
    settings = await asyncio.to_thread(lambda: server.settings)

    assert len(settings.all()) == len(plex.settings)
    assert settings.get("FriendlyName").value == plex.name
    assert settings.get("autoEmptyTrash").value is True
    assert settings.get("OnDeckWindow").value == 16
    assert settings.get("TranscoderH264MinimumCRF").value == 16.0
    assert settings.get("ButlerTaskGarbageCollectBlobs").hidden is True
    assert settings.get("ButlerStartHour").enumValues[0] == "Midnight"
    assert {one.id for one in settings.group("butler")} > {"ButlerStartHour"}


async def test_plexapi_changes_settings(
    plex: PlexSimulator, server: PlexServer
) -> None:
    settings = await asyncio.to_thread(lambda: server.settings)
    settings.get("ButlerStartHour").set(4)
    settings.get("ButlerTaskBackupDatabase").set(False)
    settings.get("FriendlyName").set("Attic & more")

    await asyncio.to_thread(settings.save)

    assert plex.settings.number("ButlerStartHour") == 4
    assert plex.name == "Attic & more"
    assert not plex.tasks[BACKUP].enabled
    assert [request.method for request in plex.requests].count("PUT") == 1


# plex-api-client, which reads JSON


def _answered(response: Any) -> int:
    status: int = response.status_code
    return status


async def test_plex_api_client_lists_tasks(plex: PlexSimulator, api: PlexAPI) -> None:
    response = await api.butler.get_tasks_async()

    assert response.object is not None
    assert response.object.butler_tasks is not None
    tasks = response.object.butler_tasks.butler_task
    assert tasks is not None
    assert list(map(_row, tasks)) == list(map(_row, plex.tasks.values()))


async def test_plex_api_client_starts_and_stops_a_task(
    plex: PlexSimulator, api: PlexAPI
) -> None:
    task: Any = {"butler_task": OPTIMIZE}

    assert _answered(await api.butler.start_task_async(request=task)) == 200
    assert plex.started == [OPTIMIZE]
    assert list(plex.butler.running) == [OPTIMIZE]
    assert _answered(await api.butler.start_task_async(request=task)) == 202
    assert _answered(await api.butler.stop_task_async(request=task)) == 200
    await plex.wait_idle()
    with pytest.raises(SDKError) as raised:
        await api.butler.stop_task_async(request=task)
    assert raised.value.status_code == 404
    assert [_line(request) for request in plex.requests] == [
        ("POST", f"/butler/{OPTIMIZE}"),
        ("POST", f"/butler/{OPTIMIZE}"),
        ("DELETE", f"/butler/{OPTIMIZE}"),
        ("DELETE", f"/butler/{OPTIMIZE}"),
    ]


async def test_plex_api_client_starts_and_stops_all(
    plex: PlexSimulator, api: PlexAPI
) -> None:
    assert _answered(await api.butler.start_tasks_async()) == 200
    assert plex.started == ["AutomaticUpdates"]
    assert len(plex.butler.queue) == 20
    assert _answered(await api.butler.stop_tasks_async()) == 200
    await plex.wait_idle()
    assert plex.started == ["AutomaticUpdates"]


async def test_plex_api_client_blocking(plex: PlexSimulator) -> None:
    task: Any = {"butler_task": BACKUP}

    def use() -> list[int]:
        with PlexAPI(server_url=plex.url, token=plex.token) as api:
            return [
                _answered(api.butler.get_tasks()),
                _answered(api.butler.start_task(request=task)),
                _answered(api.butler.start_tasks()),
                _answered(api.butler.stop_tasks()),
            ]

    assert await asyncio.to_thread(use) == [200, 200, 200, 200]
    assert plex.started[0] == BACKUP
    assert [_line(request) for request in plex.requests] == [
        ("GET", "/butler"),
        ("POST", f"/butler/{BACKUP}"),
        ("POST", "/butler"),
        ("DELETE", "/butler"),
    ]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (RunShape.PARENT_ONLY, [("Butler tasks", "")]),
        (RunShape.SUBTITLE, [("Butler tasks", "Optimize Database")]),
        (RunShape.SUB_ACTIVITIES, [("Butler tasks", ""), (OPTIMIZE, "")]),
    ],
)
async def test_plex_api_client_sees_a_run(
    plex: PlexSimulator,
    api: PlexAPI,
    shape: RunShape,
    expected: list[tuple[str, str]],
) -> None:
    plex.shape = shape
    plex.butler.start(OPTIMIZE)

    response = await api.activities.list_activities_async()

    assert response.object is not None
    assert response.object.media_container is not None
    activities = response.object.media_container.activity
    assert activities is not None
    assert [(item.title, item.subtitle) for item in activities] == expected
    assert {(item.type, item.user_id) for item in activities} == {("butler", 1)}
    assert [item.progress for item in activities] == [0, -1][: len(expected)]


async def test_plex_api_client_reads_settings(
    plex: PlexSimulator, api: PlexAPI
) -> None:
    response = await api.preferences.get_all_preferences_async()

    assert response.media_container_with_settings is not None
    container = response.media_container_with_settings.media_container
    assert container is not None
    assert container.setting is not None
    assert [setting.id for setting in container.setting] == list(plex.settings)


async def test_plex_api_client_with_a_bad_token(plex: PlexSimulator) -> None:
    async with PlexAPI(server_url=plex.url, token="wrong") as api:
        with pytest.raises(SDKError) as raised:
            await api.butler.get_tasks_async()

    assert raised.value.status_code == 401
