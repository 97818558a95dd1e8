"""Servers are found on the network, over real sockets on 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
import gc
import socket
from typing import Any, override
import warnings

from freezegun.api import FrozenDateTimeFactory
from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import DiscoveredServer, discover, discovery
from tests.simulator import GdmResponder, GdmServer, PlexSimulator

from .common import HASH, NOTHING, given_fields, idle, parsed

HOME = ["127.0.0.1"]
# No interface has this address.
ABSENT = "192.0.2.1"
SERVER = GdmServer(
    name="Media Server", port=32400, machine_identifier="5133", version="1.43.4"
)
FOUND = DiscoveredServer(
    name="Media Server",
    address="127.0.0.1",
    port=32400,
    machine_identifier="5133",
    direct_hash=None,
)


class Network(GdmResponder):
    """Servers that reply to a search, and record it."""

    def __init__(self) -> None:
        super().__init__([SERVER])
        self.heard: list[bytes] = []
        self.searchers: list[tuple[str, int]] = []

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append(data)
        self.searchers.append(addr)
        super().datagram_received(data, addr)


@pytest.fixture
async def network(
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    socket_enabled: None,
) -> AsyncIterator[Network]:
    """The network; the clock stands still until all replies have arrived."""
    async with Network() as network:
        monkeypatch.setattr(discovery, "GDM_ADDRESS", network.address)
        yield network


type Found = tuple[DiscoveredServer, ...]
type Search = Callable[..., Awaitable[Found]]


@pytest.fixture
def search(freezer: FrozenDateTimeFactory) -> Search:
    """Search for two seconds."""

    async def search(interfaces: Iterable[str] = HOME) -> Found:
        searching = asyncio.ensure_future(discover(interfaces))
        for _ in range(2):
            await idle()
            assert not searching.done()
            freezer.tick(1.01)
        return await searching

    return search


def identifiers(found: Found) -> list[str]:
    return [server.machine_identifier for server in found]


def test_multicast_group() -> None:
    assert discovery.GDM_ADDRESS == ("239.0.0.250", 32414)


async def test_a_server(network: Network, search: Search) -> None:
    assert await search() == (FOUND,)
    assert set(network.heard) == {b"M-SEARCH * HTTP/1.0"}


async def test_a_running_server(
    network: Network, search: Search, plex: PlexSimulator
) -> None:
    network.servers = [GdmServer.of(plex, HASH)]

    (found,) = await search()

    assert found == DiscoveredServer(
        name=plex.name,
        address="127.0.0.1",
        port=plex.port,
        machine_identifier=plex.machine_identifier,
        direct_hash=HASH,
    )
    assert found.urls == (f"https://127-0-0-1.{HASH}.plex.direct:{plex.port}", plex.url)


async def test_several_servers(network: Network, search: Search) -> None:
    names = ["b", "a", "c"]
    network.servers = [replace(SERVER, machine_identifier=name) for name in names]

    assert identifiers(await search()) == names


async def test_no_answer(network: Network, search: Search) -> None:
    network.servers = []

    assert await search() == ()


async def test_a_server_that_answers_twice_is_one(
    network: Network, search: Search
) -> None:
    network.servers = [SERVER, replace(SERVER, name="Another Name")]

    assert await search() == (FOUND,)


async def test_second_search_finds_a_server_that_missed_the_first(
    network: Network, freezer: FrozenDateTimeFactory
) -> None:
    network.servers = []
    searching = asyncio.ensure_future(discover(HOME))
    await network.wait_for_search()

    network.servers = [SERVER]
    freezer.tick(1.01)
    await idle()
    freezer.tick(1.01)

    assert await searching == (FOUND,)
    assert network.searches == 2


async def test_reply_within_a_second(
    network: Network, freezer: FrozenDateTimeFactory
) -> None:
    network.servers = []
    searching = asyncio.ensure_future(discover(HOME))
    await idle()
    freezer.tick(1.01)
    await idle()
    freezer.tick(0.9)
    await idle()
    assert not searching.done()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.sendto(SERVER.reply(), network.searchers[0])
    await idle()
    freezer.tick(0.2)

    assert await searching == (FOUND,)


async def test_other_datagrams_are_ignored(network: Network, search: Search) -> None:
    network.raw_replies = [
        b"",
        b"\xff" * 1000,
        SERVER.reply().replace(b"media-server", b"media-player"),
        replace(SERVER, machine_identifier="last").reply(),
    ]

    assert identifiers(await search()) == ["5133", "last"]


async def test_at_most_64_servers(network: Network, search: Search) -> None:
    names = [str(number) for number in range(66)]
    network.servers = [replace(SERVER, machine_identifier=name) for name in names]

    assert identifiers(await search()) == names[:64]


async def test_the_address_is_where_a_reply_comes_from(
    network: Network, freezer: FrozenDateTimeFactory
) -> None:
    network.servers = []
    searching = asyncio.ensure_future(discover(HOME))
    await network.wait_for_search()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))
        elsewhere.sendto(SERVER.reply(), network.searchers[0])
    for _ in range(2):
        await idle()
        freezer.tick(1.01)

    assert await searching == (replace(FOUND, address="127.0.0.2"),)


# Interfaces


async def test_each_interface_is_searched_from(
    network: Network, search: Search
) -> None:
    assert await search(iter(["127.0.0.1", "127.0.0.2"])) == (FOUND,)

    searched_from = [host for host, _ in network.searchers]
    assert sorted(searched_from) == 2 * ["127.0.0.1"] + 2 * ["127.0.0.2"]


@pytest.mark.parametrize("address", [ABSENT, "::1", "localhost", ""])
async def test_invalid_interfaces_are_skipped(
    network: Network, search: Search, address: str
) -> None:
    assert await search([address, "127.0.0.1"]) == (FOUND,)
    assert len(network.heard) == 2


@pytest.mark.parametrize("interfaces", [[], [ABSENT], [ABSENT, "::1"]])
async def test_no_wait_without_an_interface(
    network: Network, interfaces: list[str]
) -> None:
    assert await discover(interfaces) == ()
    assert network.heard == []


async def test_interface_and_not_the_route_is_used(
    monkeypatch: pytest.MonkeyPatch, search: Search, socket_enabled: None
) -> None:
    group = "239.0.0.250"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.settimeout(0)
        listener.setsockopt(
            socket.IPPROTO_IP,
            socket.IP_ADD_MEMBERSHIP,
            socket.inet_aton(group) + socket.inet_aton("127.0.0.1"),
        )
        listener.bind((group, 0))
        monkeypatch.setattr(discovery, "GDM_ADDRESS", listener.getsockname())

        assert await search() == ()

        assert listener.recv(1024) == b"M-SEARCH * HTTP/1.0"


# Nothing is left


def take(address: tuple[str, int]) -> None:
    """Bind an address, which fails if it is in use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as alone:
        alone.bind(address)


async def test_nothing_listens_after_a_search(network: Network, search: Search) -> None:
    await search(["127.0.0.1", "127.0.0.2"])
    await idle()

    for address in set(network.searchers):
        take(address)
    assert len(set(network.searchers)) == 2


async def test_nothing_listens_after_a_cancelled_search(
    network: Network,
) -> None:
    searching = asyncio.ensure_future(discover(HOME))
    await network.wait_for_search()
    (address,) = network.searchers
    with pytest.raises(OSError, match="in use"):
        take(address)

    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    await idle()

    take(address)


async def test_nothing_is_left_of_invalid_interfaces(
    socket_enabled: None,
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await discover([ABSENT, "::1"])
        gc.collect()

    assert caught == []


# Replies

FIELDS = {
    "Content-Type": "plex/media-server",
    "Name": "Media Server",
    "Port": "32400",
    "Resource-Identifier": "5133",
    "Version": "1.43.4",
    "Host": f"{HASH}.plex.direct",
}


def reply(head: str = "HTTP/1.0 200 OK", **changes: Any) -> bytes:
    """Return a reply; `content_type` and the like are fields."""
    changed = {key.replace("_", "-").title(): value for key, value in changes.items()}
    fields = given_fields(FIELDS | changed)
    lines = [head, *(f"{key}: {value}" for key, value in fields.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


def read(raw: bytes) -> DiscoveredServer:
    return DiscoveredServer.from_reply(raw, "192.168.1.5")


def test_a_reply() -> None:
    assert read(reply()) == DiscoveredServer(
        name="Media Server",
        address="192.168.1.5",
        port=32400,
        machine_identifier="5133",
        direct_hash=HASH,
    )


def test_the_reply_of_the_simulator() -> None:
    server = GdmServer(name="M\xfcller", port=1, machine_identifier="5", version="1")

    assert read(server.reply()) == DiscoveredServer(
        name="M\xfcller",
        address="192.168.1.5",
        port=1,
        machine_identifier="5",
        direct_hash=None,
    )


def test_case_and_spaces_of_a_field() -> None:
    text = reply().replace(b"Port: ", b" pORT :").replace(b"5133", b" 5133 ")

    assert read(text) == read(reply())


def test_order_of_the_fields() -> None:
    head, *lines = reply().splitlines(keepends=True)

    assert read(b"".join([head, *reversed(lines), b"\r\n", b"X: y"])) == read(reply())


@pytest.mark.parametrize(
    "raw",
    [
        *(
            reply(head)
            for head in (
                "",
                "HTTP/1.0 200",
                "HTTP/1.1 200 OK",
                "HTTP/1.0 404 Not Found",
                "M-SEARCH * HTTP/1.0",
                " HTTP/1.0 200 OK",
            )
        ),
        *(
            reply(content_type=kind)
            for kind in (NOTHING, "", "plex/media-player", "text/html")
        ),
        *(
            reply(resource_identifier=identifier)
            for identifier in (NOTHING, "", "x" * 129, "5\x001")
        ),
        *(
            reply(port=port)
            for port in (NOTHING, "", "0", "-1", "65536", "1.0", "plex", "9" * 5000)
        ),
    ],
)
def test_other_replies_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a server|int"):
        read(raw)


@pytest.mark.parametrize(
    ("field", "sent", "attribute", "value"),
    [
        ("resource_identifier", "x" * 128, "machine_identifier", "x" * 128),
        ("port", "1", "port", 1),
        ("port", "65535", "port", 65535),
        ("name", "M\xfcller: at home", "name", "M\xfcller: at home"),
        ("name", "n" * 300, "name", "n" * 255),
        ("name", "M\x00\x1b\xfcller", "name", "M\xfcller"),
        ("name", "", "name", "192.168.1.5"),
        ("name", NOTHING, "name", "192.168.1.5"),
        ("host", "ABC.plex.direct", "direct_hash", "abc"),
        *(
            ("host", host, "direct_hash", None)
            for host in (
                NOTHING,
                "",
                "192.168.1.5",
                "plex.direct",
                "a/b.plex.direct",
                "abc.plex.direct:32400",
                "abc.plex.direct.example.com",
                "\u017f.plex.direct",
            )
        ),
    ],
)
def test_fields_of_a_reply(field: str, sent: Any, attribute: str, value: Any) -> None:
    assert getattr(read(reply(**{field: sent})), attribute) == value


def test_a_name_may_not_be_utf_8() -> None:
    assert read(reply().replace(b"Media", b"M\xfcller")).name == "M\ufffdller Server"


@pytest.mark.parametrize(
    ("address", "urls"),
    [
        (
            "192.168.1.5",
            (
                "https://192-168-1-5.abc.plex.direct:32400",
                "http://192.168.1.5:32400",
            ),
        ),
        (
            "2001:db8::5",
            (
                "https://2001-db8--5.abc.plex.direct:32400",
                "http://[2001:db8::5]:32400",
            ),
        ),
        ("fe80::1%eth0", ("http://[fe80::1%eth0]:32400",)),
    ],
)
def test_https_address_comes_first(address: str, urls: tuple[str, ...]) -> None:
    raw = reply(host="abc.plex.direct")

    assert DiscoveredServer.from_reply(raw, address).urls == urls


def test_no_https_address_without_a_hash() -> None:
    assert read(reply(host=NOTHING)).urls == ("http://192.168.1.5:32400",)


# Bytes that are similar to a reply.
VALUES = st.sampled_from([*FIELDS.values(), "", "65536", "\u017f.plex.direct"])
NAMES = st.sampled_from([*FIELDS, "Host", "port"])
LINES = st.tuples(NAMES, st.text() | VALUES).map(": ".join) | st.text()
REPLIES = st.lists(LINES).map(
    lambda lines: reply() + "\r\n".join(lines).encode(errors="replace")
)


@given(raw=st.binary() | REPLIES | st.tuples(REPLIES, st.binary()).map(b"".join))
def test_any_bytes_as_a_reply(raw: bytes) -> None:
    for server in parsed(read, raw):
        assert 0 < len(server.name) <= 255
        assert 0 < len(server.machine_identifier) <= 128
        *_, plain = server.urls
        assert URL(plain) == URL(f"http://192.168.1.5:{server.port}")
        assert all(URL(url).port == server.port for url in server.urls)
        assert len(server.urls) == 1 + bool(server.direct_hash)
