"""Each call understands the answer."""

from typing import Any, cast

import aiohttp
import pytest

from custom_components.plex_butler.plex import (
    Activity,
    ButlerTask,
    PlexResponseError,
    PlexServer,
    PlexUnknownTaskError,
    PlexWrongServerError,
    ServerIdentity,
    StartResult,
    StopResult,
)
from tests.simulator import Fault, PlexSimulator, RunShape, SimulatedTask

from .wire import Wire, http

OPTIMIZE = "OptimizeDatabase"


# Reading


async def test_get_identity(plex: PlexSimulator, server: PlexServer) -> None:
    assert await server.get_identity() == ServerIdentity(
        machine_identifier=plex.machine_identifier, version=plex.version
    )


async def test_the_wanted_server_answers(
    plex: PlexSimulator, server: PlexServer
) -> None:
    identity = await server.get_identity(plex.machine_identifier)

    assert identity.machine_identifier == plex.machine_identifier


@pytest.mark.parametrize("wanted", ["another", "", "5133a1c0de"])
async def test_another_server_answers(server: PlexServer, wanted: str) -> None:
    with pytest.raises(PlexWrongServerError, match="another server answers"):
        await server.get_identity(wanted)


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


async def test_an_activity_that_is_none_is_skipped(
    plex: PlexSimulator, server: PlexServer
) -> None:
    plex.activities = ["not an object", {"title": "Scanning", "progress": 50}]

    (activity,) = await server.get_activities()

    assert (activity.title, activity.progress) == ("Scanning", 50)


async def test_a_list_has_its_limits(plex: PlexSimulator, server: PlexServer) -> None:
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
async def test_what_is_no_list_is_refused(
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


async def test_start_and_stop_all_tasks(
    plex: PlexSimulator, server: PlexServer
) -> None:
    await server.start_all_tasks()
    assert not plex.butler.idle

    await server.stop_all_tasks()
    await plex.wait_idle()
