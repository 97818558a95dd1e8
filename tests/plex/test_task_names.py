"""No task name leads anywhere but below /butler/."""

import re
from urllib.parse import unquote_to_bytes

import aiohttp
from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_butler.plex import (
    PlexServer,
    PlexUnknownTaskError,
    StartResult,
    StopResult,
)
from tests.simulator import PlexSimulator, SimulatedTask

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
async def test_an_odd_name_reaches_its_task(
    plex: PlexSimulator, server: PlexServer, name: str
) -> None:
    plex.tasks = {name: SimulatedTask(name, "Odd", "", 1)}

    assert await server.start_task(name) is StartResult.STARTED
    assert await server.stop_task(name) is StopResult.STOPPED
    assert plex.started == [name]


@pytest.mark.parametrize("name", NO_NAMES)
async def test_what_would_leave_butler_is_no_task(
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
