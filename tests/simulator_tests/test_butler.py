"""The simulated Butler starts and stops tasks as Plex does."""

from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.simulator import PlexSimulator, SimulatedTask

from .client import BACKUP, OPTIMIZE, Client, three

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


async def test_start_all_works_through_the_enabled(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.tasks = {task.name: task for task in three()}

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
    plex.tasks = {task.name: task for task in three()}
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
    plex.tasks = {task.name: task for task in three()}
    await ask("POST", "/butler")

    assert (await ask("DELETE", "/butler/B")).status == 200
    assert (await ask("DELETE", "/butler/B")).status == 404
    plex.finish("A")
    assert plex.started == ["A", "C"]


async def test_stopping_gives_the_turn_to_the_next(
    plex: PlexSimulator, ask: Client
) -> None:
    plex.stop_delay = 0
    plex.tasks = {task.name: task for task in three()}
    del plex.tasks["B"]
    await ask("POST", "/butler")
    await ask("DELETE", "/butler/A")

    assert (await ask.titles())[1:] == ["C"]


async def test_vanished_task_loses_its_turn(plex: PlexSimulator, ask: Client) -> None:
    plex.tasks = {task.name: task for task in three()}
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
    plex.tasks = {task.name: task for task in three()}
    plex.hour = 3
    await ask("POST", "/butler")
    plex.finish("A")
    plex.finish("C")

    await plex.wait_idle()
    assert plex.started == ["A", "C"]
    assert await ask.titles() == []
    assert (await ask("DELETE", "/butler/B")).status == 200
    assert (await ask("DELETE", "/butler/B")).status == 404
