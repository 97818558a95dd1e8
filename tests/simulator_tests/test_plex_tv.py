"""The simulated plex.tv as a server: its life, its faults and its controls."""

import asyncio

import aiohttp
import pytest

from tests.simulator import Fault, PlexSimulator, PlexTvSimulator

from .client import PINS, RESOURCES, AccountClient, Client


async def test_addresses(plex_tv: PlexTvSimulator) -> None:
    assert plex_tv.url == f"http://127.0.0.1:{plex_tv.port}"
    assert plex_tv.pins_url == plex_tv.url + PINS
    assert plex_tv.resources_url == plex_tv.url + RESOURCES


async def test_restart_on_the_same_port(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    path, url = await ask_tv.new_pin(), plex_tv.url
    await plex_tv.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask_tv("GET", path)

    await plex_tv.start()
    assert plex_tv.url == url
    assert (await ask_tv("GET", path)).status == 200


async def test_requests_are_recorded(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    waiter = asyncio.create_task(plex_tv.wait_for_request("GET", RESOURCES))
    await ask_tv("POST", PINS)
    assert not waiter.done()
    await ask_tv("GET", f"{RESOURCES}?includeHttps=1", token="wrong")

    request = await waiter
    assert plex_tv.requests[1] is request
    assert (request.query, request.token) == ("includeHttps=1", "wrong")
    assert request.headers["X-Plex-Client-Identifier"] == "a client"


# Faults


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.UNAUTHORIZED, 401),
        (Fault.RATE_LIMITED_BARE, 429),
        (Fault.SERVER_ERROR, 500),
        (Fault.HTML, 200),
    ],
)
async def test_wrong_answers(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient, fault: Fault, status: int
) -> None:
    plex_tv.inject(fault, PINS, "POST", times=1)
    reply = await ask_tv("POST", PINS)

    assert (reply.status, reply.content_type) == (status, "text/html")
    assert "Retry-After" not in reply.headers
    assert plex_tv.codes == []
    assert (await ask_tv("POST", PINS)).status == 201


async def test_drop(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    plex_tv.inject(Fault.DROP)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ask_tv("POST", PINS)
    assert plex_tv.codes == []


async def test_slow(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    plex_tv.inject(Fault.SLOW)
    hanging = asyncio.create_task(ask_tv("POST", PINS))
    await plex_tv.wait_for_request("POST", PINS)

    assert plex_tv.codes == []
    plex_tv.clear_faults()
    assert (await hanging).status == 201


async def test_redirects(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    plex_tv.inject(Fault.REDIRECT_HERE)

    assert (await ask_tv("POST", PINS)).status == 201
    async with PlexSimulator() as elsewhere:
        plex_tv.redirect_target = f"{elsewhere.url}/identity"
        plex_tv.inject(Fault.REDIRECT_ELSEWHERE)
        await ask_tv("GET", RESOURCES)
        assert [request.raw_path for request in elsewhere.requests] == ["/identity"]


# Controls


async def test_control_of_codes(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    path = await ask_tv.new_pin()

    confirmed = await ask_tv("POST", "/simulator/confirm")
    assert confirmed.json == {"confirmed": plex_tv.codes[0]}
    assert (await ask_tv("GET", path)).json["authToken"]
    expired = await ask_tv("POST", "/simulator/expire")
    assert expired.json == {"expired": plex_tv.codes}
    assert (await ask_tv("GET", path)).status == 404


async def test_control_without_a_code(ask_tv: AccountClient) -> None:
    reply = await ask_tv("POST", "/simulator/confirm")

    assert reply.status == 400
    assert reply.json["error"]


async def test_control_of_faults_and_requests(ask_tv: AccountClient) -> None:
    await ask_tv("POST", f"/simulator/faults?fault=HTML&path={PINS}")

    assert (await ask_tv("POST", PINS)).content_type == "text/html"
    (request,) = (await ask_tv("GET", "/simulator/requests")).json
    assert (request["method"], request["raw_path"]) == ("POST", PINS)


async def test_each_server_has_its_own_controls(
    ask: Client, ask_tv: AccountClient
) -> None:
    for path in ("/simulator/confirm", "/simulator/expire"):
        assert (await ask("POST", path)).status == 404
        assert (await ask_tv("GET", path)).status == 404
    assert (await ask_tv("POST", "/simulator/kick")).status == 404
