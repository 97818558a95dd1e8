"""The soak test runs; whether all is well in the long run, it tells itself."""

import asyncio
import logging
from pathlib import Path
import sys

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import LIVE_INTERVAL, LOGGER
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_component import async_update_entity

from .common import MAINTENANCE, OPTIMIZE, Tick, settle
from .simulator import PlexSimulator
from .soak.__main__ import Errors
from .soak.truth import SOON, recovered

ROOT = Path(__file__).parents[1]


@pytest.mark.usefixtures("socket_enabled")
async def test_two_servers_for_a_moment() -> None:
    # With this seed no server is lost or lists other tasks, which takes a while to mend.
    options = ("--servers", "2", "--tasks", "3", "--seed", "2170")
    soak = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak", "0.02", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = (text.decode() for text in await soak.communicate())
    assert "WRONG" not in printed
    assert soak.returncode == 0, complaints
    assert "coordinators and entities" in printed


async def test_task_that_is_listed_again(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    """It is found by the next read, as a server that pushes does not push it."""
    all_tasks = plex.tasks
    plex.tasks = {"BackupDatabase": all_tasks["BackupDatabase"]}
    await async_update_entity(hass, MAINTENANCE)
    plex.tasks = all_tasks
    assert hass.states.get(OPTIMIZE) is None
    waiting = asyncio.create_task(recovered(hass, [live]))
    await settle(hass)
    await tick(SOON + 1)
    assert not waiting.done()
    await tick(LIVE_INTERVAL.total_seconds() - SOON)
    await tick(1)
    assert await waiting == {}
    assert hass.states.get(OPTIMIZE) is not None


async def test_server_that_does_not_recover(
    hass: HomeAssistant, live: MockConfigEntry, plex: PlexSimulator, tick: Tick
) -> None:
    plex.websocket_refusal = 404
    plex.kick()
    await settle(hass)
    waiting = asyncio.create_task(recovered(hass, [live]))
    await settle(hass)
    await tick(SOON + 1)
    assert "'live updates': ('False', 'True')" in (await waiting)[0]


def test_errors_that_are_no_losses() -> None:
    errors = Errors()

    def log(name: str, message: str) -> None:
        record = logging.LogRecord(name, logging.ERROR, "", 0, message, (), None)
        errors.handle(record)

    log(LOGGER.name, "Error fetching Media Server data: it cannot be reached")
    assert (errors.losses, errors.messages) == (1, [])
    log(LOGGER.name, "Unexpected error fetching Media Server data")
    log("homeassistant", "Error fetching something else")
    log("asyncio", "Task exception was never retrieved")
    assert errors.losses == 1
    assert len(errors.messages) == 3
