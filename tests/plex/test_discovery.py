"""Servers are found on the network, over real sockets on 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
import gc
import socket
from typing import Any, override
import warnings

from freezegun.api import FrozenDateTimeFactory
from hypothesis import given, settings, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import DiscoveredServer, discover, discovery
from tests.simulator import GdmResponder, GdmServer, PlexSimulator

from .common import HASH, NOTHING, given_fields, idle, parsed

HOME = ["127.0.0.1"]
# Nobody's: no interface has it.
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
    """Servers that hear a search, and what they hear."""

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
    """Where time stands still until a search has all the replies it will get."""
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


def test_a_search_goes_where_servers_hear_it() -> None:
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


async def test_nobody_answers(network: Network, search: Search) -> None:
    network.servers = []

    assert await search() == ()


async def test_a_server_that_answers_twice_is_one(
    network: Network, search: Search
) -> None:
    network.servers = [SERVER, replace(SERVER, name="Another Name")]

    assert await search() == (FOUND,)


async def test_a_second_search_finds_who_did_not_hear_the_first(
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


async def test_a_reply_may_take_a_second_to_the_last_search(
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


async def test_what_is_no_reply_is_passed_over(
    network: Network, search: Search
) -> None:
    network.raw_replies = [
        b"",
        b"\xff" * 1000,
        SERVER.reply().replace(b"media-server", b"media-player"),
        replace(SERVER, machine_identifier="last").reply(),
    ]

    assert identifiers(await search()) == ["5133", "last"]


async def test_no_more_than_64_servers_are_taken_in(
    network: Network, search: Search
) -> None:
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
async def test_what_cannot_be_searched_from_is_passed_over(
    network: Network, search: Search, address: str
) -> None:
    assert await search([address, "127.0.0.1"]) == (FOUND,)
    assert len(network.heard) == 2


@pytest.mark.parametrize("interfaces", [[], [ABSENT], [ABSENT, "::1"]])
async def test_without_an_interface_there_is_nothing_to_wait_for(
    network: Network, interfaces: list[str]
) -> None:
    assert await discover(interfaces) == ()
    assert network.heard == []


async def test_a_search_goes_out_from_the_interface_and_not_by_the_route(
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


# What is left of it


def take(address: tuple[str, int]) -> None:
    """Bind an address, which nobody can who is not alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as alone:
        alone.bind(address)


async def test_nothing_listens_after_a_search(network: Network, search: Search) -> None:
    await search(["127.0.0.1", "127.0.0.2"])
    await idle()

    for address in set(network.searchers):
        take(address)
    assert len(set(network.searchers)) == 2


async def test_nothing_listens_after_a_search_that_is_given_up(
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


async def test_nothing_is_left_of_what_cannot_be_searched_from(
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


def test_the_case_of_a_field_and_the_space_around_it_do_not_matter() -> None:
    text = reply().replace(b"Port: ", b" pORT :").replace(b"5133", b" 5133 ")

    assert read(text) == read(reply())


def test_the_order_of_the_fields_does_not_matter_and_more_may_follow() -> None:
    head, *lines = reply().splitlines(keepends=True)

    assert read(b"".join([head, *reversed(lines), b"\r\n", b"X: y"])) == read(reply())


@pytest.mark.parametrize(
    "head",
    [
        "",
        "HTTP/1.0 200",
        "HTTP/1.1 200 OK",
        "HTTP/1.0 404 Not Found",
        "M-SEARCH * HTTP/1.0",
        " HTTP/1.0 200 OK",
    ],
)
def test_another_head_is_that_of_no_server(head: str) -> None:
    with pytest.raises(ValueError, match="not a server"):
        read(reply(head))


@pytest.mark.parametrize("kind", [NOTHING, "", "plex/media-player", "text/html"])
def test_another_kind_is_no_server(kind: Any) -> None:
    with pytest.raises(ValueError, match="not a server"):
        read(reply(content_type=kind))


@pytest.mark.parametrize("identifier", [NOTHING, "", "x" * 129])
def test_a_server_has_an_identifier(identifier: Any) -> None:
    with pytest.raises(ValueError, match="not a server"):
        read(reply(resource_identifier=identifier))


def test_an_identifier_is_never_cut() -> None:
    identifier = "x" * 128

    assert read(reply(resource_identifier=identifier)).machine_identifier == identifier


@pytest.mark.parametrize(
    "port", [NOTHING, "", "0", "-1", "65536", "32400.0", "plex", "9" * 5000]
)
def test_a_server_has_a_port(port: Any) -> None:
    with pytest.raises(ValueError, match=r"not a server|int"):
        read(reply(port=port))


@pytest.mark.parametrize("port", [1, 65535])
def test_a_port(port: int) -> None:
    assert read(reply(port=str(port))).port == port


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("M\xfcller: at home", "M\xfcller: at home"),
        ("n" * 300, "n" * 255),
        ("", "192.168.1.5"),
        (NOTHING, "192.168.1.5"),
    ],
)
def test_a_name(sent: Any, name: str) -> None:
    assert read(reply(name=sent)).name == name


def test_a_name_may_not_be_utf_8() -> None:
    assert read(reply().replace(b"Media", b"M\xfcller")).name == "M\ufffdller Server"


@pytest.mark.parametrize(
    ("sent", "direct_hash"),
    [
        ("ABC.plex.direct", "abc"),
        (NOTHING, None),
        ("", None),
        ("192.168.1.5", None),
        ("plex.direct", None),
        ("a/b.plex.direct", None),
        ("abc.plex.direct:32400", None),
        ("abc.plex.direct.example.com", None),
        ("\u017f.plex.direct", None),
    ],
)
def test_a_hash(sent: Any, direct_hash: str | None) -> None:
    assert read(reply(host=sent)).direct_hash == direct_hash


def test_the_secure_address_comes_first() -> None:
    assert read(reply(host="abc.plex.direct")).urls == (
        "https://192-168-1-5.abc.plex.direct:32400",
        "http://192.168.1.5:32400",
    )


def test_without_a_hash_there_is_no_secure_address() -> None:
    assert read(reply(host=NOTHING)).urls == ("http://192.168.1.5:32400",)


# Replies that resemble one more often than any bytes do.
VALUES = st.sampled_from([*FIELDS.values(), "", "65536", "\u017f.plex.direct"])
NAMES = st.sampled_from([*FIELDS, "Host", "port"])
LINES = st.tuples(NAMES, st.text() | VALUES).map(": ".join) | st.text()
REPLIES = st.lists(LINES).map(
    lambda lines: reply() + "\r\n".join(lines).encode(errors="replace")
)


@settings(max_examples=500)
@given(raw=st.binary() | REPLIES | st.tuples(REPLIES, st.binary()).map(b"".join))
def test_any_bytes_are_a_server_or_none(raw: bytes) -> None:
    for server in parsed(read, raw):
        assert 0 < len(server.name) <= 255
        assert 0 < len(server.machine_identifier) <= 128
        *_, plain = server.urls
        assert URL(plain) == URL(f"http://192.168.1.5:{server.port}")
        assert all(URL(url).port == server.port for url in server.urls)
        assert len(server.urls) == 1 + bool(server.direct_hash)
