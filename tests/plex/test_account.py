"""Signing in at plex.tv."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from freezegun.api import FrozenDateTimeFactory
from hypothesis import given
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
    PlexServerError,
    account as module,
)
from tests.simulator import Fault, PlexTvSimulator, RecordedRequest

from .common import NOTHING, Wire, given_fields, http, idle, objects, parsed

PINS = "/api/v2/pins"
CLIENT = ClientInfo(identifier="of-this-home")
PIN = {"id": 7, "code": "AB12", "expiresIn": 60, "authToken": None}


@pytest.fixture
def account(plex_tv: PlexTvSimulator, session: aiohttp.ClientSession) -> PlexAccount:
    """The client of plex.tv."""
    return PlexAccount(session, CLIENT)


def pin(**changes: Any) -> Pin:
    return Pin.from_json(given_fields(PIN | changes))


def at_wire(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use this server instead of plex.tv."""
    monkeypatch.setattr(module, "PLEX_TV_URL", URL(f"http://{wire.address}"))


def test_addresses_of_plex_tv() -> None:
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


async def test_every_request_identifies_the_client(
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
        (Fault.UNAUTHORIZED, PlexAuthenticationError),
        (Fault.FORBIDDEN, PlexForbiddenError),
        (Fault.BAD_GATEWAY, PlexServerError),
        (Fault.HTML, PlexResponseError),
        (Fault.HUGE, PlexResponseError),
        (Fault.RATE_LIMITED, PlexBusyError),
        (Fault.DROP, PlexConnectionError),
        (Fault.REDIRECT_ELSEWHERE, PlexRedirectError),
    ],
)
async def test_failures(
    plex_tv: PlexTvSimulator,
    account: PlexAccount,
    fault: Fault,
    kind: type[PlexError],
) -> None:
    pin = await account.create_pin()
    plex_tv.inject(fault)

    with pytest.raises(kind):
        await account.create_pin()
    with pytest.raises(kind):
        await account.get_token(pin)


def test_a_pin() -> None:
    assert pin() == Pin(id=7, code="AB12", expires_in=60)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("id", value) for value in (NOTHING, None, "7", 7.0, True, [], {})),
        *(("code", value) for value in (NOTHING, None, 7, True, [], {}, "", "<b>")),
        *(("code", value) for value in ("AB 12", "AB12\n", "AB-12", "A" * 129)),
        *(("code", value) for value in ("\xc4\xd6\xdc", "\u0661\u0662")),
    ],
)
def test_other_pins_are_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match="no code"):
        pin(**{field: value})


def test_link_with_the_code_filled_in() -> None:
    assert pin().url == "https://plex.tv/link/?pin=AB12"


def test_long_code() -> None:
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
def test_lifetime_of_a_code(sent: Any, seconds: float) -> None:
    assert pin(expiresIn=sent).expires_in == seconds


@given(raw=objects(*PIN))
def test_any_json_as_a_pin(raw: object) -> None:
    for value in parsed(Pin.from_json, raw):
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


async def test_code_belongs_to_one_client(
    plex_tv: PlexTvSimulator, account: PlexAccount, session: aiohttp.ClientSession
) -> None:
    pin = await account.create_pin()
    plex_tv.confirm()

    with pytest.raises(PlexPinExpiredError):
        await PlexAccount(session, ClientInfo(identifier="other")).get_token(pin)


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
async def test_invalid_tokens_are_ignored(
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    token: str | None,
) -> None:
    async with Wire(http(body=orjson.dumps(answer))) as wire:
        at_wire(wire, monkeypatch)

        assert await PlexAccount(session, CLIENT).get_token(pin()) == token


# Waiting for the token, with short delays


@pytest.fixture
async def new_pin(account: PlexAccount, monkeypatch: pytest.MonkeyPatch) -> Pin:
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.001)
    return await account.create_pin()


async def test_the_token_comes_when_the_code_is_entered(
    plex_tv: PlexTvSimulator, account: PlexAccount, new_pin: Pin
) -> None:
    waiting = asyncio.ensure_future(account.wait_for_token(new_pin))
    await plex_tv.wait_for_request("GET", f"{PINS}/{new_pin.id}")
    assert not waiting.done()

    plex_tv.confirm()

    assert await waiting == plex_tv.account_token


@pytest.mark.parametrize(
    "fault",
    [
        Fault.SERVER_ERROR,
        Fault.BAD_GATEWAY,
        Fault.MAINTENANCE,
        Fault.RATE_LIMITED_BARE,
        Fault.DROP,
        Fault.TRUNCATED,
        Fault.HTML,
        Fault.WRONG_TYPES,
        Fault.EMPTY,
        Fault.REDIRECT_ELSEWHERE,
    ],
)
async def test_temporary_failure_does_not_end_the_wait(
    plex_tv: PlexTvSimulator, account: PlexAccount, new_pin: Pin, fault: Fault
) -> None:
    plex_tv.confirm()
    plex_tv.requests.clear()
    plex_tv.inject(fault, times=2)

    assert await account.wait_for_token(new_pin) == plex_tv.account_token
    assert len(plex_tv.requests) == 3


async def test_refused_connection_does_not_end_the_wait(
    plex_tv: PlexTvSimulator, account: PlexAccount, new_pin: Pin
) -> None:
    refused = asyncio.Event()
    trace = aiohttp.TraceConfig()

    async def on_refused(*_: object) -> None:
        refused.set()

    trace.on_request_exception.append(on_refused)
    plex_tv.confirm()
    await plex_tv.stop()
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        waiting = asyncio.ensure_future(
            PlexAccount(session, CLIENT).wait_for_token(new_pin)
        )
        await refused.wait()

        await plex_tv.start()

        assert await waiting == plex_tv.account_token


async def test_the_wait_ends_when_the_code_expires(
    plex_tv: PlexTvSimulator, account: PlexAccount, new_pin: Pin
) -> None:
    waiting = asyncio.ensure_future(account.wait_for_token(new_pin))
    await plex_tv.wait_for_request("GET", f"{PINS}/{new_pin.id}")

    plex_tv.expire()

    with pytest.raises(PlexPinExpiredError, match="the code has expired"):
        await waiting


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.UNAUTHORIZED, PlexAuthenticationError),
        (Fault.FORBIDDEN, PlexForbiddenError),
    ],
)
async def test_the_wait_ends_when_plex_tv_refuses_the_client(
    plex_tv: PlexTvSimulator,
    account: PlexAccount,
    new_pin: Pin,
    fault: Fault,
    kind: type[PlexError],
) -> None:
    plex_tv.inject(fault)

    with pytest.raises(kind):
        await account.wait_for_token(new_pin)


# Waiting for the token, with a clock that the test moves


class Patient:
    """Waits for a token, and looks at the requests that plex.tv receives."""

    def __init__(
        self,
        freezer: FrozenDateTimeFactory,
        plex_tv: PlexTvSimulator,
        session: aiohttp.ClientSession,
    ) -> None:
        self._freezer = freezer
        self._plex_tv = plex_tv
        self._session = session
        self._account = PlexAccount(session, CLIENT)

    async def start(self) -> asyncio.Future[str]:
        """Start to wait for a new code, which is valid for fifteen minutes."""
        pin = await self._account.create_pin()
        self.path = f"{PINS}/{pin.id}"
        waiting = asyncio.ensure_future(self._account.wait_for_token(pin))
        await self.asleep()
        return waiting

    async def asleep(self) -> None:
        """Return as soon as the last request is answered and handled.

        There is only one connection, which is in use until then.
        """
        async with self._session.get(self._plex_tv.url):
            pass

    async def asks_after(self, seconds: float) -> None:
        """Assert that the next request comes so many seconds later, and no sooner."""
        self._plex_tv.requests.clear()
        self._freezer.tick(seconds - 0.1)
        await idle()
        assert self.asked() == []
        self._freezer.tick(0.2)
        await self._plex_tv.wait_for_request("GET", self.path)
        await self.asleep()
        assert len(self.asked()) == 1

    def asked(self) -> list[RecordedRequest]:
        return [one for one in self._plex_tv.requests if one.raw_path == self.path]


@pytest.fixture
async def patient(
    freezer: FrozenDateTimeFactory, plex_tv: PlexTvSimulator
) -> AsyncIterator[Patient]:
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Patient(freezer, plex_tv, session)


async def test_one_request_every_three_seconds(
    plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    assert patient.asked() == []

    for _ in range(3):
        await patient.asks_after(3)
    plex_tv.confirm()
    await patient.asks_after(3)

    assert await waiting == plex_tv.account_token


async def test_fewer_requests_to_a_busy_plex_tv(
    plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    plex_tv.inject(Fault.RATE_LIMITED_BARE)
    await patient.asks_after(3)
    for seconds in (6, 12, 24, 30, 30):
        await patient.asks_after(seconds)

    # The interval does not become shorter again.
    plex_tv.clear_faults()
    await patient.asks_after(30)
    await patient.asks_after(30)

    plex_tv.confirm()
    await patient.asks_after(30)
    assert await waiting == plex_tv.account_token


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(Fault.RATE_LIMITED, 30), (Fault.MAINTENANCE_RETRY_AFTER, 30)],
)
async def test_retry_after_of_plex_tv(
    plex_tv: PlexTvSimulator, patient: Patient, fault: Fault, seconds: float
) -> None:
    waiting = await patient.start()
    plex_tv.inject(fault, patient.path, times=1)
    plex_tv.confirm()
    await patient.asks_after(3)
    await patient.asks_after(seconds)

    assert await waiting == plex_tv.account_token


async def test_other_failures_do_not_change_the_interval(
    plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    plex_tv.inject(Fault.BAD_GATEWAY, patient.path, times=2)
    plex_tv.confirm()
    for _ in range(3):
        await patient.asks_after(3)

    assert await waiting == plex_tv.account_token


async def test_time_out_does_not_end_the_wait(
    freezer: FrozenDateTimeFactory, plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    plex_tv.confirm()
    plex_tv.inject(Fault.SLOW, patient.path, times=1)
    freezer.tick(3.1)
    await plex_tv.wait_for_request("GET", patient.path)

    freezer.tick(16)
    await patient.asleep()
    await patient.asks_after(3)

    assert await waiting == plex_tv.account_token


async def test_code_is_not_entered_in_time(
    freezer: FrozenDateTimeFactory, patient: Patient
) -> None:
    waiting = await patient.start()
    freezer.tick(899)
    await idle()
    assert not waiting.done()

    freezer.tick(2)

    with pytest.raises(PlexPinExpiredError, match="the code has expired"):
        await waiting


async def test_code_expires_during_a_request(
    freezer: FrozenDateTimeFactory,
    plex_tv: PlexTvSimulator,
    session: aiohttp.ClientSession,
) -> None:
    plex_tv.inject(Fault.SLOW)
    pin = Pin(id=7, code="AB12", expires_in=10)
    waiting = asyncio.ensure_future(PlexAccount(session, CLIENT).wait_for_token(pin))
    await idle()
    freezer.tick(3.1)
    await plex_tv.wait_for_request("GET", f"{PINS}/7")

    freezer.tick(7)

    with pytest.raises(PlexPinExpiredError):
        await waiting


async def test_cancelled_wait_sends_no_more_requests(
    freezer: FrozenDateTimeFactory, patient: Patient
) -> None:
    waiting = await patient.start()
    await patient.asks_after(3)
    before = patient.asked()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    freezer.tick(60)
    await idle()

    assert patient.asked() == before
