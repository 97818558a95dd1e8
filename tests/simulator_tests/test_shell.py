"""The simulator from a shell: its controls and its command."""

import asyncio
import signal
import sys

import aiohttp
import pytest

from tests.simulator import PlexSimulator

from .client import JSON, PINS, RESOURCES, SEARCH, Client, Searcher, ask


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
        ("GET", "kick", None, 404),
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


async def test_control_of_websockets(plex: PlexSimulator, ask: Client) -> None:
    async with ask.listen() as websocket:
        reply = await ask("POST", "/simulator/kick", token=None)

        assert reply.json == {"kicked": 1}
        assert (await websocket.receive()).type is aiohttp.WSMsgType.CLOSED


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


async def test_command_shows_the_row_as_it_is_told() -> None:
    arguments = ("--row", "forever", "--shape", "both", "--registered", "5")
    process = await _serve("--port", "0", *arguments)
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    url, token = [line.split()[-1] for line in lines]
    async with aiohttp.ClientSession(headers=JSON | {"X-Plex-Token": token}) as session:
        before = await ask(session, "GET", f"{url}/activities")
        await ask(session, "POST", f"{url}/butler/OptimizeDatabase")
        after = await ask(session, "GET", f"{url}/activities")
    process.send_signal(signal.SIGTERM)
    await process.wait()

    rows = [reply.json["MediaContainer"]["Activity"] for reply in (before, after)]
    assert [
        [(row["subtitle"], row["progress"]) for row in shown] for shown in rows
    ] == [
        [("", 100)],
        [("Optimize Database", 83), ("", -1)],
    ]


async def test_command_with_plex_tv_and_gdm(searcher: Searcher) -> None:
    process = await _serve(
        *("--port", "0", "--name", "Cellar", "--plex-tv", "0", "--gdm", "0")
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(4)]
    url, token, plex_tv, gdm = [line.split()[-1] for line in lines]
    assert [line.split()[0] for line in lines[2:]] == ["plex.tv:", "GDM:"]
    host, port = gdm.split(":")
    async with aiohttp.ClientSession(headers=JSON) as session:
        headers = {"X-Plex-Client-Identifier": "a client"}
        pin = await ask(session, "POST", plex_tv + PINS, headers=headers)
        await ask(session, "POST", f"{plex_tv}/simulator/confirm")
        path = f"{plex_tv}{PINS}/{pin.json['id']}"
        confirmed = await ask(session, "GET", path, headers=headers)
        headers = {"X-Plex-Token": confirmed.json["authToken"]}
        listed = await ask(session, "GET", plex_tv + RESOURCES, headers=headers)
    searcher.transport.sendto(SEARCH, (host, int(port)))
    reply = await searcher.reply()
    process.send_signal(signal.SIGTERM)

    (server,) = listed.json
    assert (server["name"], server["accessToken"]) == ("Cellar", token)
    assert [row["uri"] for row in server["connections"]] == [url]
    assert b"\r\nName: Cellar\r\n" in reply
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0


@pytest.mark.parametrize("option", ["--port", "--plex-tv", "--gdm"])
async def test_command_on_a_port_that_is_none(option: str) -> None:
    process = await _serve("--port", "0", option, "65536")
    _, stderr = await process.communicate()

    assert process.returncode == 1
    assert stderr.startswith(b"Cannot listen on port 65536: ")
    assert stderr.count(b"\n") == 1


async def test_command_on_a_taken_port(plex: PlexSimulator) -> None:
    process = await _serve("--port", str(plex.port))
    stdout, stderr = await process.communicate()

    assert process.returncode == 1
    assert stdout == b""
    assert stderr.decode().startswith(f"Cannot listen on port {plex.port}: ")
    assert stderr.count(b"\n") == 1
