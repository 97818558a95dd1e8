"""Signing in: a code that somebody enters, and the token that comes of it."""

from typing import Any

import aiohttp
from hypothesis import given, settings
import orjson
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    ClientInfo,
    Pin,
    PlexAccount,
    PlexAuthenticationError,
    PlexBusyError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexPinExpiredError,
    PlexRedirectError,
    PlexResponseError,
    account as module,
)
from tests.simulator import Fault, PlexTvSimulator

from .test_models import NOTHING, objects, read
from .wire import Wire, http

PINS = "/api/v2/pins"
CLIENT = ClientInfo(identifier="of-this-home")
PIN = {"id": 7, "code": "AB12", "expiresIn": 60, "authToken": None}


@pytest.fixture
def account(plex_tv: PlexTvSimulator, session: aiohttp.ClientSession) -> PlexAccount:
    """What signs in at plex.tv."""
    return PlexAccount(session, CLIENT)


def pin(**changes: Any) -> Pin:
    changed = PIN | changes
    return Pin.from_json({k: v for k, v in changed.items() if v is not NOTHING})


def at_wire(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this plex.tv."""
    monkeypatch.setattr(module, "PLEX_TV_URL", URL(f"http://{wire.address}"))


def test_plex_tv_is_asked_where_it_is() -> None:
    assert str(module.PLEX_TV_URL) == "https://plex.tv/api/v2"
    assert str(module.PLEX_TV_CLIENTS_URL) == "https://clients.plex.tv/api/v2"
    assert module.LINK_URL == "https://plex.tv/link"


# A code


async def test_a_code(plex_tv: PlexTvSimulator, account: PlexAccount) -> None:
    pin = await account.create_pin()

    assert pin == Pin(id=111222333, code=plex_tv.codes[0], expires_in=900)
    assert len(pin.code) == 4
    (request,) = plex_tv.requests
    assert (request.method, request.raw_path, request.query) == ("POST", PINS, "")


async def test_each_sign_in_has_its_own_code(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    first, second = await account.create_pin(), await account.create_pin()

    plex_tv.confirm(second.code)

    assert await account.get_token(first) is None
    assert await account.get_token(second) == plex_tv.account_token


async def test_every_request_introduces_the_same_client(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    pin = await account.create_pin()
    await account.get_token(pin)
    plex_tv.confirm()
    token = await account.get_token(pin)
    assert token
    await account.get_server_resources(token)

    asked = [request.headers for request in plex_tv.requests]
    assert len(asked) == 4
    for headers in asked:
        assert headers.getall("X-Plex-Client-Identifier") == ["of-this-home"]
        assert headers.getall("X-Plex-Product") == ["Butler for Plex"]
        assert headers.getall("Accept") == ["application/json"]


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b'"AB12"',
        b"{}",
        b'{"id": 7}',
        b'{"code": "AB12"}',
        b'{"id": "7", "code": "AB12"}',
    ],
)
async def test_an_answer_without_a_code_is_refused(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    async with Wire(http(201, body)) as wire:
        at_wire(wire, monkeypatch)

        with pytest.raises(PlexResponseError, match="no code"):
            await PlexAccount(session, CLIENT).create_pin()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.BAD_GATEWAY, PlexResponseError),
        (Fault.HTML, PlexResponseError),
        (Fault.HUGE, PlexResponseError),
        (Fault.RATE_LIMITED, PlexBusyError),
        (Fault.DROP, PlexConnectionError),
        (Fault.REDIRECT_ELSEWHERE, PlexRedirectError),
    ],
)
async def test_a_code_cannot_be_had(
    plex_tv: PlexTvSimulator,
    account: PlexAccount,
    fault: Fault,
    kind: type[PlexError],
) -> None:
    plex_tv.inject(fault)

    with pytest.raises(kind):
        await account.create_pin()


def test_a_pin() -> None:
    assert pin() == Pin(id=7, code="AB12", expires_in=60)


@pytest.mark.parametrize("pin_id", [NOTHING, None, "7", 7.0, True, [], {}])
def test_without_an_id_there_is_no_code(pin_id: Any) -> None:
    with pytest.raises(ValueError, match="no code"):
        pin(id=pin_id)


@pytest.mark.parametrize(
    "code",
    [
        *(NOTHING, None, 7, True, [], {}, "", "AB 12", "AB12\n", "AB-12", "<b>"),
        *("\xc4\xd6\xdc", "\u0661\u0662", "A" * 129),
    ],
)
def test_what_cannot_be_shown_is_no_code(code: Any) -> None:
    with pytest.raises(ValueError, match="no code"):
        pin(code=code)


def test_a_code_may_be_a_long_one() -> None:
    assert pin(code="a" * 128).code == "a" * 128


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (1, 1),
        (900, 900),
        (901, 900),
        (10**400, 900),
        (0, 900),
        (-1, 900),
        (1.5, 900),
        ("60", 900),
        (True, 900),
        (None, 900),
        (NOTHING, 900),
    ],
)
def test_how_long_a_code_is_good_for(sent: Any, seconds: float) -> None:
    assert pin(expiresIn=sent).expires_in == seconds


@settings(max_examples=500)
@given(raw=objects(*PIN))
def test_any_json_is_a_pin_or_none(raw: object) -> None:
    for value in read(Pin.from_json, raw):
        assert 0 < len(value.code) <= 128
        assert value.code.isalnum()
        assert 0 < value.expires_in <= 900
        assert orjson.dumps(value)


# The token


async def test_there_is_no_token_until_the_code_is_entered(
    plex_tv: PlexTvSimulator, account: PlexAccount
) -> None:
    pin = await account.create_pin()
    assert await account.get_token(pin) is None

    plex_tv.confirm()

    assert await account.get_token(pin) == plex_tv.account_token
    asked = [(request.method, request.raw_path) for request in plex_tv.requests[1:]]
    assert asked == 2 * [("GET", f"{PINS}/{pin.id}")]
    assert {request.token for request in plex_tv.requests} == {None}


async def test_a_code_expires(plex_tv: PlexTvSimulator, account: PlexAccount) -> None:
    pin = await account.create_pin()

    plex_tv.expire()

    with pytest.raises(PlexPinExpiredError, match="the code has expired"):
        await account.get_token(pin)


async def test_a_code_is_good_for_one_client_only(
    plex_tv: PlexTvSimulator, account: PlexAccount, session: aiohttp.ClientSession
) -> None:
    pin = await account.create_pin()
    plex_tv.confirm()

    with pytest.raises(PlexPinExpiredError):
        await PlexAccount(session, ClientInfo(identifier="other")).get_token(pin)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.UNAUTHORIZED, PlexAuthenticationError),
        (Fault.FORBIDDEN, PlexForbiddenError),
        (Fault.BAD_GATEWAY, PlexResponseError),
        (Fault.HTML, PlexResponseError),
        (Fault.RATE_LIMITED, PlexBusyError),
        (Fault.DROP, PlexConnectionError),
    ],
)
async def test_a_token_cannot_be_asked_for(
    plex_tv: PlexTvSimulator,
    account: PlexAccount,
    fault: Fault,
    kind: type[PlexError],
) -> None:
    pin = await account.create_pin()
    plex_tv.inject(fault)

    with pytest.raises(kind):
        await account.get_token(pin)


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"authToken": "t" * 512}, "t" * 512),
        ({"authToken": "t" * 513}, None),
        ({"authToken": ""}, None),
        ({"authToken": None}, None),
        ({"authToken": 7}, None),
        ({"authToken": True}, None),
        ({"authToken": ["token"]}, None),
        ({}, None),
        (["authToken"], None),
        ("authToken", None),
        (None, None),
    ],
)
async def test_a_token_is_a_text(
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    token: str | None,
) -> None:
    async with Wire(http(body=orjson.dumps(answer))) as wire:
        at_wire(wire, monkeypatch)

        assert await PlexAccount(session, CLIENT).get_token(pin()) == token
