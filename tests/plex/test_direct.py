"""The names that stand for an address, and the certificates that are valid for them."""

import asyncio
import gc
from ipaddress import IPv4Address
import socket
from ssl import SSLContext
import warnings

from freezegun.api import FrozenDateTimeFactory
from hypothesis import example, given, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    direct_url,
    read_certificate,
)
from custom_components.plex_butler.plex.direct import direct_address, direct_hash
from tests.simulator import Authority, PlexSimulator, direct_name

from .common import HASH, Wire, idle

# Names


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192-168-1-5.abc.plex.direct", "192.168.1.5"),
        ("0-0-0-0.abc.plex.direct", "0.0.0.0"),
        ("255-255-255-255.abc.plex.direct", "255.255.255.255"),
        ("1-2-3-4.0.plex.direct", "1.2.3.4"),
        (f"1-2-3-4.{'a' * 63}.plex.direct", "1.2.3.4"),
        ("1-2-3-4.ABC.Plex.DIRECT", "1.2.3.4"),
        ("1-2-3-4.abc.plex.direct.", "1.2.3.4"),
    ],
)
def test_a_name_stands_for_an_address(host: str, address: str) -> None:
    assert direct_address(host) == address


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "1.2.3.4",
        "::1",
        "plex.direct",
        "abc.plex.direct",
        "plex.example.com",
        # Not an address
        "256-2-3-4.abc.plex.direct",
        "01-2-3-4.abc.plex.direct",
        "1-2-3.abc.plex.direct",
        "1-2-3-4-5.abc.plex.direct",
        "-1-2-3-4.abc.plex.direct",
        "1.2.3.4.abc.plex.direct",
        "\u0661-2-3-4.abc.plex.direct",
        f"{'1' * 5000}-2-3-4.abc.plex.direct",
        "2001-db8--5.abc.plex.direct",
        # Not a hash
        "1-2-3-4.plex.direct",
        "1-2-3-4..plex.direct",
        "1-2-3-4.a-b.plex.direct",
        "1-2-3-4.a.b.plex.direct",
        f"1-2-3-4.{'a' * 64}.plex.direct",
        # Not Plex's
        "1-2-3-4.abc.plex.direct.example.com",
        "1-2-3-4.abc.plex-direct",
        "1-2-3-4.abc.plexxdirect",
        "1-2-3-4.abc.notplex.direct",
        "1-2-3-4.abc.plex.direct..",
        "x1-2-3-4.abc.plex.direct",
        " 1-2-3-4.abc.plex.direct",
        "1-2-3-4.abc.plex.direct\n",
        # What looks like it, or like one of its letters in another case
        "1-2-3-4.abc.plex.d\u0131rect",
        "1-2-3-4.\u017f.plex.direct",
        "1-2-3-4.\u212a.plex.direct",
    ],
)
def test_any_other_name_stands_for_none(host: str | None) -> None:
    assert direct_address(host) is None


@pytest.mark.parametrize(
    ("domain", "hash_"),
    [
        (f"{HASH}.plex.direct", HASH),
        ("ABC.Plex.Direct", "abc"),
        ("", None),
        ("plex.direct", None),
        (".plex.direct", None),
        ("a-b.plex.direct", None),
        ("a.b.plex.direct", None),
        ("a/b.plex.direct", None),
        (f"{'a' * 64}.plex.direct", None),
        ("abc.plex.direct.example.com", None),
        ("abc.plex.direct\n", None),
        ("abc.plexxdirect", None),
        ("1-2-3-4.abc.plex.direct", None),
        ("abc.plex.d\u0131rect", None),
        ("\u017f.plex.direct", None),
    ],
)
def test_the_hash_of_a_domain(domain: str, hash_: str | None) -> None:
    assert direct_hash(domain) == hash_


def test_the_url_of_a_name() -> None:
    url = direct_url("192.168.1.5", "abc", 32400)

    assert url == URL("https://192-168-1-5.abc.plex.direct:32400")


@pytest.mark.parametrize("address", ["", "::1", "2001:db8::5", "localhost", "1.2.3"])
def test_other_addresses_have_no_name(address: str) -> None:
    assert direct_url(address, "abc", 32400) is None


@given(
    address=st.ip_addresses(v=4),
    hash_=st.from_regex(r"[0-9a-f]{1,63}", fullmatch=True),
    port=st.integers(1, 65535),
)
def test_a_name_leads_back_to_its_address(
    address: IPv4Address, hash_: str, port: int
) -> None:
    url = direct_url(str(address), hash_, port)

    assert url
    assert direct_address(url.host) == str(address)
    assert url.port == port


PIECES = st.sampled_from(
    ["1-2-3-4", "0-0-0-256", "-", "1", ".", "abc", ".plex.direct", "\u0131", "\n"]
)


@given(host=st.text() | st.lists(PIECES | st.characters(), max_size=6).map("".join))
@example(host="1-2-3-4.abc.plex.direct")
def test_any_text_stands_for_the_address_in_it_or_for_none(host: str) -> None:
    name = host.partition(".")[0].replace("-", ".")

    assert direct_address(host) in {None, name}
    assert direct_hash(host) in {None, host.partition(".")[0].lower()}


# Certificates


@pytest.fixture(scope="module")
def tls(authority: Authority) -> SSLContext:
    """What a Plex Media Server speaks."""
    return authority.direct(HASH)


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name can be looked up, not even where the internet is."""

    def refuse(host: str, *_: object, **__: object) -> None:
        raise AssertionError(f"{host} was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", direct_name("127.0.0.1", "other")])
async def test_a_certificate_tells_the_hash_and_the_address(
    plex: PlexSimulator, tls: SSLContext, no_names: None, scheme: str, host: str
) -> None:
    await plex.stop()
    plex.ssl_context = tls
    await plex.start()

    certificate = await read_certificate(URL(f"{scheme}://{host}:{plex.port}"))

    assert certificate
    assert certificate.address == "127.0.0.1"
    assert certificate.direct_hash == HASH


async def test_a_certificate_for_another_name_has_no_hash(
    plex: PlexSimulator, self_signed: SSLContext
) -> None:
    await plex.stop()
    plex.ssl_context = self_signed
    await plex.start()

    certificate = await read_certificate(URL(plex.url))

    assert certificate
    assert certificate.direct_hash is None


@pytest.mark.parametrize(
    "name", ["abc.plex.direct", "1-2-3-4.abc.plex.direct", "*.plex.direct.example.com"]
)
async def test_only_a_certificate_for_all_names_of_a_hash_tells_it(
    authority: Authority, socket_enabled: None, name: str
) -> None:
    async with Wire(b"", tls=authority.valid_for(name)) as wire:
        certificate = await read_certificate(URL(f"https://{wire.address}"))

    assert certificate
    assert certificate.direct_hash is None


async def test_nothing_is_said_to_who_shows_a_certificate(
    tls: SSLContext, socket_enabled: None
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with Wire(b"", tls=tls) as wire:
            assert await read_certificate(URL(f"https://{wire.address}"))

            await wire.left.wait()
        gc.collect()

    assert wire.requests == []
    # It is left on purpose, and not because nobody remembers it.
    assert caught == []


async def test_where_no_tls_is_spoken_there_is_no_certificate(
    plex: PlexSimulator,
) -> None:
    assert await read_certificate(URL(plex.url)) is None


async def test_where_nobody_listens_there_is_no_certificate(
    plex: PlexSimulator,
) -> None:
    await plex.stop()

    assert await read_certificate(URL(plex.url)) is None


async def test_who_hangs_up_shows_no_certificate(socket_enabled: None) -> None:
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0
    )
    async with server:
        host, port = server.sockets[0].getsockname()

        assert await read_certificate(URL(f"https://{host}:{port}")) is None


async def test_who_stays_silent_is_left_after_five_seconds(
    freezer: FrozenDateTimeFactory, socket_enabled: None
) -> None:
    async with Wire(b"") as silent:
        reading = asyncio.ensure_future(
            read_certificate(URL(f"https://{silent.address}"))
        )
        await silent.connected.wait()

        freezer.tick(4.9)
        await idle()
        assert not reading.done()
        freezer.tick(0.2)

        assert await reading is None
        await silent.left.wait()
