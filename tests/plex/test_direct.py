"""plex.direct names and certificates."""

import asyncio
import gc
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address
import socket
import ssl
from ssl import SSLContext
from typing import Any
import warnings

from freezegun.api import FrozenDateTimeFactory
from hypothesis import example, given, settings, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import (
    Certificate,
    direct_hash_of,
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
        ("2001-db8--5.abc.plex.direct", "2001:db8::5"),
        ("2001-0db8-0-0-0-0-0-0005.abc.plex.direct", "2001:db8::5"),
        ("2001-DB8-1-2-3-4-5-F.abc.plex.direct", "2001:db8:1:2:3:4:5:f"),
        ("--1.abc.plex.direct", "::1"),
        ("fe80--.abc.plex.direct", "fe80::"),
    ],
)
def test_address_in_a_name(host: str, address: str) -> None:
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
        "2001-db8---5.abc.plex.direct",
        "2001--db8--5.abc.plex.direct",
        "1-2-3-4-5-6-7.abc.plex.direct",
        "1-2-3-4-5-6-7-8-9.abc.plex.direct",
        "2001-db8--12345.abc.plex.direct",
        "2001-db8--g.abc.plex.direct",
        "fe80--1%eth0.abc.plex.direct",
        "2001:db8::5.abc.plex.direct",
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
        # Similar letters of other alphabets
        "1-2-3-4.abc.plex.d\u0131rect",
        "1-2-3-4.\u017f.plex.direct",
        "1-2-3-4.\u212a.plex.direct",
    ],
)
def test_no_address_in_other_names(host: str | None) -> None:
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


@pytest.mark.parametrize(
    ("url", "hash_"),
    [
        ("https://1-2-3-4.ABC.plex.direct:32400/x", "abc"),
        (URL("https://1-2-3-4.abc.plex.direct"), "abc"),
        ("http://2001-db8--5.abc.plex.direct.", "abc"),
        ("https://beef.abc.plex.direct", None),
        ("https://abc.plex.direct", None),
        ("https://192.168.1.5", None),
        ("https://[::1]", None),
        ("1-2-3-4.abc.plex.direct", None),
        ("", None),
        ("http://[", None),
        ("http://[]@", None),
    ],
)
def test_the_hash_of_a_url(url: URL | str, hash_: str | None) -> None:
    assert direct_hash_of(url) == hash_


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.168.1.5", "192-168-1-5"),
        ("2001:DB8:0::5", "2001-db8--5"),
        ("::1", "--1"),
        ("::ffff:1.2.3.4", "1-2-3-4"),
    ],
)
def test_the_url_of_a_name(address: str, name: str) -> None:
    url = direct_url(address, "abc", 32400)

    assert url == URL(f"https://{name}.abc.plex.direct:32400")


@pytest.mark.parametrize("address", ["", "fe80::1%eth0", "localhost", "1.2.3", "::g"])
def test_other_addresses_have_no_name(address: str) -> None:
    assert direct_url(address, "abc", 32400) is None


@given(
    address=st.ip_addresses(),
    hash_=st.from_regex(r"[0-9a-f]{1,63}", fullmatch=True),
    port=st.integers(1, 65535),
)
def test_a_name_leads_back_to_its_address(
    address: IPv4Address | IPv6Address, hash_: str, port: int
) -> None:
    url = direct_url(str(address), hash_, port)

    assert url
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    assert direct_address(url.host) == str(mapped or address)
    assert direct_hash_of(url) == hash_
    assert url.port == port


PIECES = st.sampled_from(
    ["1-2-3-4", "0-0-0-256", "-", "1", ".", "abc", ".plex.direct", "\u0131", "\n"]
)


@given(host=st.text() | st.lists(PIECES | st.characters(), max_size=6).map("".join))
@example(host="1-2-3-4.abc.plex.direct")
def test_any_text_as_a_name(host: str) -> None:
    name = host.partition(".")[0]

    if address := direct_address(host):
        assert ip_address(address) in {
            ip_address(name.replace("-", separator))
            for separator in ".:"
            if (separator == ".") is ("." in address)
        }
    assert direct_hash(host) in {None, name.lower()}


# Certificates


@pytest.fixture(scope="module")
def tls(authority: Authority) -> SSLContext:
    """The TLS context of a Plex Media Server."""
    return authority.direct(HASH)


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name can be resolved, even with internet."""
    getaddrinfo = socket.getaddrinfo

    def refuse(host: str, *args: Any, **kwargs: Any) -> Any:
        assert host in {"127.0.0.1", "::1"}, f"{host} was looked up"
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


async def certificate_of(url: str | URL) -> tuple[str, str | None]:
    """Return the address and the hash that are read at a URL."""
    certificate = await read_certificate(URL(url))
    assert certificate
    return certificate.address, certificate.direct_hash


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("by_name", [False, True])
async def test_certificate(
    plex: PlexSimulator,
    tls: SSLContext,
    no_names: None,
    ipv6: None,
    scheme: str,
    address: str,
    *,
    by_name: bool,
) -> None:
    await plex.stop()
    plex.ssl_context = tls
    plex.host = address
    await plex.start()
    host = direct_name(address, "other") if by_name else URL(plex.url).raw_host
    url = URL.build(scheme=scheme, host=str(host), port=plex.port)
    pem = await asyncio.to_thread(ssl.get_server_certificate, (address, plex.port))

    certificate = await read_certificate(url)

    assert certificate == Certificate(
        address=address,
        direct_hash=HASH,
        fingerprint=sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest(),
    )


async def test_a_certificate_for_another_name_has_no_hash(
    plex: PlexSimulator, self_signed: SSLContext
) -> None:
    await plex.stop()
    plex.ssl_context = self_signed
    await plex.start()

    assert await certificate_of(plex.url) == ("127.0.0.1", None)


@pytest.mark.parametrize(
    "name", ["abc.plex.direct", "1-2-3-4.abc.plex.direct", "*.plex.direct.example.com"]
)
async def test_certificates_without_a_hash(
    authority: Authority, socket_enabled: None, name: str
) -> None:
    async with Wire(b"", tls=authority.valid_for(name)) as wire:
        assert await certificate_of(f"https://{wire.address}") == ("127.0.0.1", None)


async def test_no_request_is_sent(tls: SSLContext, socket_enabled: None) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with Wire(b"", tls=tls) as wire:
            assert await read_certificate(URL(f"https://{wire.address}"))

            await wire.left.wait()
        gc.collect()

    assert wire.requests == []
    # The connection is closed, not left to the garbage collector.
    assert caught == []


async def test_no_certificate_without_tls(
    plex: PlexSimulator,
) -> None:
    assert await read_certificate(URL(plex.url)) is None


async def test_no_certificate_without_a_server(
    plex: PlexSimulator,
) -> None:
    await plex.stop()

    assert await read_certificate(URL(plex.url)) is None


async def test_no_certificate_when_the_connection_is_dropped(
    socket_enabled: None,
) -> None:
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0
    )
    async with server:
        host, port = server.sockets[0].getsockname()

        assert await read_certificate(URL(f"https://{host}:{port}")) is None


async def test_no_certificate_within_five_seconds(
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


HASHES = st.from_regex(r"[0-9a-z]{1,40}", fullmatch=True)
OTHER_NAMES = st.sampled_from(["server.invalid", "*.plex.direct", "192.0.2.1"])


@settings(max_examples=max(settings().max_examples // 10, 1))  # Each has its own key.
@given(hashes=st.lists(HASHES, max_size=2), others=st.lists(OTHER_NAMES, min_size=1))
async def test_any_names_in_a_certificate(
    plex: PlexSimulator, authority: Authority, hashes: list[str], others: list[str]
) -> None:
    names = [f"*.{hash_}.plex.direct" for hash_ in hashes]
    await plex.stop()
    plex.ssl_context = authority.valid_for(*others, *names)
    await plex.start()

    _, found = await certificate_of(plex.url)

    assert found == next(iter(hashes), None)
