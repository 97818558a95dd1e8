"""The package needs no Home Assistant."""

import asyncio
from pathlib import Path
import shutil
import sys

from custom_components.plex_butler import plex as package
from tests.simulator import PlexSimulator

USE = """
import asyncio, sys
import aiohttp
from plex import PlexServer

async def use(url, token):
    async with aiohttp.ClientSession() as session:
        server = PlexServer(session, url, token)
        tasks = await server.get_butler_tasks()
        await server.start_task("OptimizeDatabase")
        return len(tasks)

print(asyncio.run(use(*sys.argv[1:])))
print(sorted({name.partition(".")[0] for name in sys.modules}
    & {"homeassistant", "custom_components", "voluptuous"}))
"""


async def test_use_without_home_assistant(plex: PlexSimulator, tmp_path: Path) -> None:
    (source,) = package.__path__
    shutil.copytree(source, tmp_path / "plex")
    command = (sys.executable, "-c", USE, plex.url, str(plex.token))

    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()

    assert output.decode().splitlines() == ["22", "[]"]
    assert process.returncode == 0
    assert plex.started == ["OptimizeDatabase"]
