"""Signing in at the simulated plex.tv with a code."""

import re

from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.simulator import PlexTvSimulator

from .client import PINS, AccountClient

# Codes


async def test_new_code_in_json(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    reply = await ask_tv("POST", PINS)

    assert (reply.status, reply.content_type) == (201, "application/json")
    (code,) = plex_tv.codes
    assert re.fullmatch("[A-Z0-9]{4}", code)
    assert isinstance(reply.json["id"], int)
    assert reply.json == {
        "id": reply.json["id"],
        "code": code,
        "expiresIn": 900,
        "authToken": None,
    }


async def test_new_code_in_xml_by_default(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    reply = await ask_tv("POST", PINS, headers={})

    assert (reply.status, reply.content_type) == (201, "text/xml")
    assert reply.xml.tag == "pin"
    assert reply.xml.attrib == {
        "id": reply.xml.get("id"),
        "code": plex_tv.codes[0],
        "expiresIn": "900",
    }


@pytest.mark.parametrize(
    ("strong", "length"), [("1", 25), ("true", 25), ("True", 25), ("false", 4)]
)
async def test_strong_code(ask_tv: AccountClient, strong: str, length: int) -> None:
    reply = await ask_tv("POST", f"{PINS}?strong={strong}")

    assert len(reply.json["code"]) == length


@pytest.mark.parametrize("client", [None, ""])
async def test_no_code_without_a_client_identifier(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient, client: str | None
) -> None:
    assert (await ask_tv("POST", PINS, client=client)).status == 400
    assert plex_tv.codes == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PINS), ("PUT", PINS), ("POST", f"{PINS}/1"), ("GET", "/"), ("GET", "/x")],
)
async def test_nothing_else_is_there(
    ask_tv: AccountClient, method: str, path: str
) -> None:
    assert (await ask_tv(method, path)).status == 404


# Signing in


async def test_sign_in(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    path = await ask_tv.new_pin()
    before = await ask_tv("GET", path)
    plex_tv.confirm()
    after = await ask_tv("GET", path)

    assert (before.status, after.status) == (200, 200)
    assert before.json["authToken"] is None
    assert after.json["authToken"] == plex_tv.account_token
    assert after.json["code"] == plex_tv.codes[0]
    xml = (await ask_tv("GET", path, headers={})).xml
    assert xml.get("authToken") == plex_tv.account_token


async def test_each_code_is_confirmed_by_itself(
    plex_tv: PlexTvSimulator, ask_tv: AccountClient
) -> None:
    paths = [await ask_tv.new_pin() for _ in range(3)]

    async def confirmed() -> list[bool]:
        return [bool((await ask_tv("GET", p)).json["authToken"]) for p in paths]

    assert len(set(plex_tv.codes)) == 3
    assert plex_tv.confirm(plex_tv.codes[1]) == plex_tv.codes[1]
    assert await confirmed() == [False, True, False]
    assert plex_tv.confirm() == plex_tv.codes[2]
    assert await confirmed() == [False, True, True]


async def test_another_account(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    path = await ask_tv.new_pin()
    plex_tv.account_token = "another"
    plex_tv.confirm()

    assert (await ask_tv("GET", path)).json["authToken"] == "another"


@pytest.mark.parametrize("client", [None, "", "another client"])
async def test_pin_of_another_client(ask_tv: AccountClient, client: str | None) -> None:
    path = await ask_tv.new_pin()

    assert (await ask_tv("GET", path, client=client)).status == 404
    assert (await ask_tv("GET", path)).status == 200


@pytest.mark.parametrize("number", ["1", "x", ""])
async def test_unknown_pin(ask_tv: AccountClient, number: str) -> None:
    await ask_tv.new_pin()

    assert (await ask_tv("GET", f"{PINS}/{number}")).status == 404


async def test_unknown_code(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    with pytest.raises(LookupError):
        plex_tv.confirm()
    await ask_tv.new_pin()
    with pytest.raises(LookupError):
        plex_tv.confirm("?")


# The end of a code


async def test_expire(plex_tv: PlexTvSimulator, ask_tv: AccountClient) -> None:
    open_, confirmed = await ask_tv.new_pin(), await ask_tv.new_pin()
    plex_tv.confirm()
    plex_tv.expire()

    assert (await ask_tv("GET", open_)).status == 404
    assert (await ask_tv("GET", confirmed)).status == 404
    with pytest.raises(LookupError):
        plex_tv.confirm()
    new = await ask_tv.new_pin()
    assert plex_tv.confirm() == plex_tv.codes[2]
    assert (await ask_tv("GET", new)).status == 200


async def test_a_code_expires_by_itself(
    freezer: FrozenDateTimeFactory, ask_tv: AccountClient
) -> None:
    path = await ask_tv.new_pin()
    freezer.tick(899.5)
    assert (await ask_tv("GET", path)).json["expiresIn"] == 1

    freezer.tick(0.5)

    assert (await ask_tv("GET", path)).status == 404
