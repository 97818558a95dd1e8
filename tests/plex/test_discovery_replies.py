"""Whatever comes in reply to a search: a server comes out, or ValueError."""

from typing import Any

from hypothesis import given, settings, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import DiscoveredServer
from tests.simulator import GdmServer

from .test_models import NOTHING

HASH = "0123456789abcdef0123456789abcdef"
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
    fields = {k: v for k, v in (FIELDS | changed).items() if v is not NOTHING}
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
    for server in servers(raw):
        assert 0 < len(server.name) <= 255
        assert 0 < len(server.machine_identifier) <= 128
        *_, plain = server.urls
        assert URL(plain) == URL(f"http://192.168.1.5:{server.port}")
        assert all(URL(url).port == server.port for url in server.urls)
        assert len(server.urls) == 1 + bool(server.direct_hash)


def servers(raw: bytes) -> list[DiscoveredServer]:
    """Return the server, if it is one."""
    try:
        return [read(raw)]
    except ValueError:
        return []
