"""The soak test runs; whether all is well in the long run, it tells itself."""

import asyncio
from pathlib import Path
import sys

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.usefixtures("socket_enabled")
async def test_two_servers_for_a_moment() -> None:
    # With this seed no server is lost, which would take it a while to come back.
    options = ("--servers", "2", "--tasks", "3", "--patience", "0", "--seed", "9")
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
