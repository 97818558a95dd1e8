"""The base URL of a server, from typed text."""

from hypothesis import example, given, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.plex import PlexUrlError, normalize_url

TOKEN = "X-Plex-Token=s3cr3t"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        # A bare host gets http and Plex's port.
        ("192.168.1.5", "http://192.168.1.5:32400"),
        ("plex", "http://plex:32400"),
        ("plex.local", "http://plex.local:32400"),
        ("plex.local.", "http://plex.local.:32400"),
        ("plex_server-1", "http://plex_server-1:32400"),
        ("Plex.Example.COM", "http://plex.example.com:32400"),
        ("müller.example", "http://xn--mller-kva.example:32400"),
        ("  192.168.1.5\n", "http://192.168.1.5:32400"),
        ("\u20031.2.3.4\u2003", "http://1.2.3.4:32400"),
        ("192.168.1.5/", "http://192.168.1.5:32400"),
        ("192.168.1.5:", "http://192.168.1.5:32400"),
        ("192.168.1.5/plex", "http://192.168.1.5:32400/plex"),
        # Ports are kept.
        ("host:32400/", "http://host:32400"),
        ("host:1", "http://host:1"),
        ("host:65535", "http://host:65535"),
        ("host:80", "http://host"),
        # A URL with a scheme is used as entered.
        ("http://host", "http://host"),
        ("http://host:", "http://host"),
        ("http://host:32400", "http://host:32400"),
        ("HTTPS://Host/", "https://host"),
        ("https://host:443", "https://host"),
        ("https://host:32400", "https://host:32400"),
        (
            "https://1-2-3-4.hash.plex.direct:32400",
            "https://1-2-3-4.hash.plex.direct:32400",
        ),
        # IPv6
        ("::1", "http://[::1]:32400"),
        ("::1/", "http://[::1]:32400"),
        ("[::1]", "http://[::1]:32400"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]"),
        ("https://[2001:DB8::5]:32400/plex", "https://[2001:db8::5]:32400/plex"),
        ("::ffff:1.2.3.4", "http://[::ffff:1.2.3.4]:32400"),
        ("fe80::1%eth0", "http://[fe80::1%eth0]:32400"),
        ("[fe80::1%enP2p33s0]:1", "http://[fe80::1%enP2p33s0]:1"),
        # The path of Plex Web is removed, a prefix is kept.
        ("https://x/web/index.html#!/", "https://x"),
        ("https://x/web", "https://x"),
        ("https://x/web/", "https://x"),
        ("host:32400/web/index.html#!/settings/server", "http://host:32400"),
        ("https://x/plex/web/index.html", "https://x/plex"),
        ("https://x/plex/web/a/web/b", "https://x/plex"),
        ("https://x/webhook", "https://x/webhook"),
        ("https://x/my/website/", "https://x/my/website"),
        ("https://x/cobweb/y", "https://x/cobweb/y"),
        ("https://x/plex/", "https://x/plex"),
        ("https://x/plex//", "https://x/plex"),
        ("https://x/a%2Fb/é", "https://x/a%2Fb/%C3%A9"),
        ("https://x/a/../b/./c", "https://x/b/c"),
        ("https://x/a/%2e%2e/b", "https://x/b"),
        ("https://x/user@home:1", "https://x/user@home:1"),
        # Nothing else is kept.
        (f"http://host:32400/?{TOKEN}", "http://host:32400"),
        (f"http://host:32400?{TOKEN}", "http://host:32400"),
        (f"host?{TOKEN}", "http://host:32400"),
        (f"https://x/plex/web/index.html?{TOKEN}#!/", "https://x/plex"),
        ("host#top", "http://host:32400"),
        ("http://@host", "http://host"),
    ],
)
def test_typed_addresses(typed: str, url: str) -> None:
    assert str(normalize_url(typed)) == url


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "invalid_url"),
        (" \t\n", "invalid_url"),
        ("/", "invalid_url"),
        ("/web", "invalid_url"),
        ("?", "invalid_url"),
        ("#", "invalid_url"),
        (":32400", "invalid_url"),
        ("http://", "invalid_url"),
        ("http:///plex", "invalid_url"),
        ("http://:32400", "invalid_url"),
        # A missing slash
        ("http:", "invalid_url"),
        ("http:host", "invalid_url"),
        ("http:/host", "invalid_url"),
        ("HTTPS:/host:32400", "invalid_url"),
        # Ports
        ("host:0", "invalid_url"),
        ("http://host:0", "invalid_url"),
        ("host:65536", "invalid_url"),
        ("host:99999", "invalid_url"),
        ("host:-1", "invalid_url"),
        ("host:plex", "invalid_url"),
        ("host:32400:32400", "invalid_url"),
        # Invalid host names
        ("my server", "invalid_url"),
        ("http://host/my movies", "invalid_url"),
        ("host\nhost", "invalid_url"),
        ("host\x00", "invalid_url"),
        ("host\x7f", "invalid_url"),
        ("http://host/\x7f", "invalid_url"),
        ("host\xa0name", "invalid_url"),
        ("host\u2028name", "invalid_url"),
        (r"\\server\share", "invalid_url"),
        (r"http://host/a\b", "invalid_url"),
        ("a..b", "invalid_url"),
        ("..", "invalid_url"),
        (".", "invalid_url"),
        ("*", "invalid_url"),
        ("host;name", "invalid_url"),
        ("host%41", "invalid_url"),
        ("x" * 64, "invalid_url"),
        ("xn--a", "invalid_url"),
        ("\ud800", "invalid_url"),
        ("A.\U00018cd6", "invalid_url"),
        ("plex\u2100.example.com", "invalid_url"),
        ("[::1", "invalid_url"),
        ("[]@", "invalid_url"),
        ("http://[]@/", "invalid_url"),
        ("::1]", "invalid_url"),
        ("[1.2.3.4]", "invalid_url"),
        ("[::1%]", "invalid_url"),
        ("http://::1", "invalid_url"),
        ("::1/web", "invalid_url"),
        ("1:2:3", "invalid_url"),
        # Schemes
        ("ftp://host", "unsupported_scheme"),
        ("ws://host", "unsupported_scheme"),
        ("file:///etc/passwd", "unsupported_scheme"),
        ("plex://host", "unsupported_scheme"),
        # Credentials
        ("http://user@host", "credentials_in_url"),
        ("http://user:password@host", "credentials_in_url"),
        ("https://:password@host", "credentials_in_url"),
        ("user:password@host:32400", "credentials_in_url"),
        ("user@host", "credentials_in_url"),
        ("mailto:owner@example.com", "credentials_in_url"),
    ],
)
def test_refused_addresses(typed: str, reason: str) -> None:
    with pytest.raises(PlexUrlError) as raised:
        normalize_url(typed)

    assert raised.value.reason == reason
    assert str(raised.value) == reason


def accepted(typed: str) -> list[URL]:
    """Return the base URL, if it is one."""
    try:
        return [normalize_url(typed)]
    except PlexUrlError:
        return []


# Text that is similar to an address.
PIECES = st.sampled_from(
    [
        *("http://", "https://", "HTTP:", "://", "//", "/", "\\", ":", "@", "?", "#"),
        *(
            "%2e",
            "%2F",
            "%25",
            "%",
            "..",
            ".",
            ";",
            "web",
            "/web",
            "/web/",
            "é",
            "\xa0",
        ),
        *(
            "host",
            "1.2.3.4",
            "::1",
            "[::1]",
            "[",
            "]",
            "fe80::1%eth0",
            "xn--",
            "ß",
            "ª",
        ),
        *(
            ":80",
            ":443",
            ":32400",
            ":0",
            "%77eb",
            "\u3002",
            "\u2044",
            "\uff0f",
            "\u0661",
        ),
    ]
)
ADDRESSES = st.text() | st.lists(PIECES | st.characters(), max_size=8).map("".join)


@given(typed=ADDRESSES)
@example(typed="http://h/%2e%2e/x")
@example(typed="http://h/x/%2e%2e%2fweb")
@example(typed="http://h//web")
def test_any_text(typed: str) -> None:
    for url in accepted(typed):
        assert url.scheme in {"http", "https"}
        assert url.host
        assert url.port
        assert (url.user, url.password) == (None, None)
        assert (url.query_string, url.fragment) == ("", "")
        assert not str(url).endswith("/")
        assert not url.raw_path.endswith("/web")
        assert str(url).isascii()
        assert str(url).isprintable()
        assert str(normalize_url(str(url))) == str(url)


@given(
    port=st.integers(1, 65535),
    path=st.sampled_from(["", "/", "/web/index.html", "/plex"]),
)
def test_every_port_is_kept(port: int, path: str) -> None:
    assert normalize_url(f"host:{port}{path}").port == port
