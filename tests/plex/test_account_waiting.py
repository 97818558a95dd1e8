"""Waiting until somebody has entered the code of a sign-in."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.plex_butler.plex import (
    ClientInfo,
    Pin,
    PlexAccount,
    PlexAuthenticationError,
    PlexError,
    PlexForbiddenError,
    PlexPinExpiredError,
    account as module,
)
from tests.simulator import Fault, PlexTvSimulator, RecordedRequest

from .wire import idle

PINS = "/api/v2/pins"
CLIENT = ClientInfo(identifier="of-this-home")


# At once


@pytest.fixture
def account(
    plex_tv: PlexTvSimulator,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> PlexAccount:
    """What signs in at plex.tv, and cannot wait."""
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.001)
    return PlexAccount(session, CLIENT)


@pytest.fixture
async def pin(account: PlexAccount) -> Pin:
    """A code that is to be entered."""
    return await account.create_pin()


async def test_the_token_comes_when_the_code_is_entered(
    plex_tv: PlexTvSimulator, account: PlexAccount, pin: Pin
) -> None:
    waiting = asyncio.ensure_future(account.wait_for_token(pin))
    await plex_tv.wait_for_request("GET", f"{PINS}/{pin.id}")
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
        Fault.NOT_UTF8,
        Fault.WRONG_TYPES,
        Fault.EMPTY,
        Fault.REDIRECT_ELSEWHERE,
    ],
)
async def test_what_goes_wrong_in_between_does_not_end_the_wait(
    plex_tv: PlexTvSimulator, account: PlexAccount, pin: Pin, fault: Fault
) -> None:
    plex_tv.confirm()
    plex_tv.requests.clear()
    plex_tv.inject(fault, times=2)

    assert await account.wait_for_token(pin) == plex_tv.account_token
    assert len(plex_tv.requests) == 3


async def test_nobody_there_for_a_while_does_not_end_the_wait(
    plex_tv: PlexTvSimulator, account: PlexAccount, pin: Pin
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
            PlexAccount(session, CLIENT).wait_for_token(pin)
        )
        await refused.wait()

        await plex_tv.start()

        assert await waiting == plex_tv.account_token


async def test_the_wait_ends_when_plex_tv_says_that_the_code_has_expired(
    plex_tv: PlexTvSimulator, account: PlexAccount, pin: Pin
) -> None:
    waiting = asyncio.ensure_future(account.wait_for_token(pin))
    await plex_tv.wait_for_request("GET", f"{PINS}/{pin.id}")

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
async def test_the_wait_ends_when_plex_tv_will_not_have_this_client(
    plex_tv: PlexTvSimulator,
    account: PlexAccount,
    pin: Pin,
    fault: Fault,
    kind: type[PlexError],
) -> None:
    plex_tv.inject(fault)

    with pytest.raises(kind):
        await account.wait_for_token(pin)


# While time stands still, and goes by only as a test lets it.


class Patient:
    """Somebody who waits for a token, and what that looks like to plex.tv."""

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
        """Begin to wait for a new code, which is good for fifteen minutes."""
        pin = await self._account.create_pin()
        self.path = f"{PINS}/{pin.id}"
        waiting = asyncio.ensure_future(self._account.wait_for_token(pin))
        await self.asleep()
        return waiting

    async def asleep(self) -> None:
        """Return as soon as what was asked is answered and understood.

        There is one connection only, and nobody else gets it before that.
        """
        async with self._session.get(self._plex_tv.url):
            pass

    async def asks_after(self, seconds: float) -> None:
        """Assert that plex.tv is asked so many seconds later, and no sooner."""
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


async def test_plex_tv_is_asked_every_three_seconds(
    plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    assert patient.asked() == []

    for _ in range(3):
        await patient.asks_after(3)
    plex_tv.confirm()
    await patient.asks_after(3)

    assert await waiting == plex_tv.account_token


async def test_a_busy_plex_tv_is_asked_less_and_less(
    plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    plex_tv.inject(Fault.RATE_LIMITED_BARE)
    await patient.asks_after(3)
    for seconds in (6, 12, 24, 30, 30):
        await patient.asks_after(seconds)

    # Never again as often as was too often.
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
async def test_plex_tv_may_say_when_to_come_back(
    plex_tv: PlexTvSimulator, patient: Patient, fault: Fault, seconds: float
) -> None:
    waiting = await patient.start()
    plex_tv.inject(fault, patient.path, times=1)
    plex_tv.confirm()
    await patient.asks_after(3)
    await patient.asks_after(seconds)

    assert await waiting == plex_tv.account_token


async def test_other_trouble_is_no_reason_to_ask_less(
    plex_tv: PlexTvSimulator, patient: Patient
) -> None:
    waiting = await patient.start()
    plex_tv.inject(Fault.BAD_GATEWAY, patient.path, times=2)
    plex_tv.confirm()
    for _ in range(3):
        await patient.asks_after(3)

    assert await waiting == plex_tv.account_token


async def test_an_answer_that_does_not_come_does_not_end_the_wait(
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


async def test_nobody_enters_the_code_in_time(
    freezer: FrozenDateTimeFactory, patient: Patient
) -> None:
    waiting = await patient.start()
    freezer.tick(899)
    await idle()
    assert not waiting.done()

    freezer.tick(2)

    with pytest.raises(PlexPinExpiredError, match="the code has expired"):
        await waiting


async def test_plex_tv_does_not_answer_before_the_code_expires(
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


async def test_who_gives_up_asks_no_more(
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
