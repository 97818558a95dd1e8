"""Where the servers of an account may answer, the best first."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings, strategies as st
import pytest

from .test_account_servers import CONNECTION, resource, without_nothing
from .test_models import NOTHING


def connection(**changes: Any) -> dict[str, Any]:
    return without_nothing(CONNECTION | changes)


def urls(*connections: object, **changes: Any) -> tuple[str, ...]:
    """Return where a server with these connections may answer."""
    return resource(connections=list(connections), **changes).urls


RELAY = connection(uri="https://relay", address="9.9.9.9", local=False, relay=True)
REMOTE = connection(uri="https://remote", address="8.8.8.8", local=False)
LOCAL = connection(uri="https://local", address="192.168.1.5")


def test_home_comes_first_and_a_relay_last() -> None:
    assert urls(RELAY, REMOTE, LOCAL) == (
        "https://local",
        "http://192.168.1.5:32400",
        "https://remote",
        "https://relay",
    )


def test_at_home_every_secure_address_comes_before_a_plain_one() -> None:
    second = connection(uri="https://second", address="172.17.0.1")

    assert urls(LOCAL, second, REMOTE) == (
        "https://local",
        "https://second",
        "http://192.168.1.5:32400",
        "http://172.17.0.1:32400",
        "https://remote",
    )


def test_what_is_equally_good_stays_in_order() -> None:
    names = ["https://b", "https://a", "https://c"]

    assert urls(*(REMOTE | {"uri": name} for name in names)) == tuple(names)


def test_a_relay_is_not_at_home_whatever_it_says() -> None:
    assert urls(RELAY | {"local": True}, REMOTE) == ("https://remote", "https://relay")


@pytest.mark.parametrize("local", [NOTHING, None, False, 1, "1", "true"])
def test_only_what_is_said_to_be_local_is_trusted_with_plain_http(local: Any) -> None:
    assert urls(connection(uri="https://uri", local=local)) == ("https://uri",)


def test_plain_http_is_not_tried_where_https_is_required() -> None:
    assert urls(LOCAL, httpsRequired=True) == ("https://local",)


@pytest.mark.parametrize("required", [NOTHING, None, False])
def test_plain_http_is_tried_where_https_is_not_required(required: Any) -> None:
    assert len(urls(LOCAL, httpsRequired=required)) == 2


@pytest.mark.parametrize(
    "uri",
    [
        *(NOTHING, None, 7, [], "", "local", "https:local", "ftp://local"),
        *("http://local:32400", "HTTP://local", "https://" + "x" * 505),
    ],
)
def test_a_uri_is_a_secure_one(uri: Any) -> None:
    assert urls(connection(uri=uri)) == ("http://192.168.1.5:32400",)


def test_a_uri_is_never_cut() -> None:
    uri = "https://" + "x" * 504

    assert urls(connection(uri=uri, local=False)) == (uri,)


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("192.168.1.5", 1, "http://192.168.1.5:1"),
        ("plex.local", 65535, "http://plex.local:65535"),
        ("2001:db8::5", 32400, "http://[2001:db8::5]:32400"),
        ("fe80::1%eth0", 32400, "http://[fe80::1%eth0]:32400"),
    ],
)
def test_a_plain_address(address: str, port: int, url: str) -> None:
    assert urls(connection(uri=None, address=address, port=port)) == (url,)


@pytest.mark.parametrize(
    "changes",
    [
        *({"address": address} for address in (NOTHING, None, 7, [], "")),
        *({"address": address} for address in ("a b", "a/b", "user@a", "[::1]", "a:1")),
        {"address": "a." * 256 + "a"},
        {"address": "plex\u00e9.local"},
        *({"port": port} for port in (NOTHING, None, "32400", 32400.0, True)),
        *({"port": port} for port in (-1, 65536, 10**400)),
    ],
)
def test_what_is_no_address_is_left_out(changes: dict[str, Any]) -> None:
    assert urls(connection(uri=None, **changes), LOCAL) == urls(LOCAL)


@pytest.mark.parametrize("connections", [NOTHING, None, 7, "text", {}, []])
def test_a_server_may_have_no_address(connections: Any) -> None:
    assert resource(connections=connections).urls == ()


def test_what_is_no_connection_is_left_out() -> None:
    assert urls(None, 7, "text", [], {}, LOCAL) == urls(LOCAL)


def remotes(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [REMOTE | {"uri": f"https://{number}"} for number in numbers]


def test_of_too_many_addresses_the_best_are_kept() -> None:
    found = urls(RELAY, *remotes(range(40)), LOCAL)

    assert len(found) == 32
    assert found[:3] == ("https://local", "http://192.168.1.5:32400", "https://0")
    assert found[-1] == "https://29"


ADDRESSES = st.text() | st.ip_addresses().map(str)


@settings(max_examples=500)
@given(address=ADDRESSES, port=st.integers(-1, 65536), uri=st.text() | ADDRESSES)
def test_any_connection_is_an_address_or_none(
    address: str, port: int, uri: str
) -> None:
    for url in urls(connection(address=address, port=port, uri=f"https://{uri}")):
        assert url.startswith(("https://", "http://"))
