"""The address of a server, from what people type or paste."""

from ipaddress import IPv6Address
import re

from yarl import URL

from .errors import PlexUrlError

DEFAULT_PORT = 32400

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Nothing an address can hold, and a scheme that lost a slash: it would pass for a host.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]|^https?:(?!//)", re.IGNORECASE)
# What can be looked up (resolvers raise anything for the rest), or an IPv6 address.
_HOST = re.compile(
    r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?|[0-9a-f]*:[0-9a-f:.]+(%[\w.-]+)?",
    re.ASCII,
)
# Plex Web lives in /web below the server; a proxy may put a prefix before it.
_WEB_APP = re.compile(r"/web(/.*)?$")


def normalize_url(text: str) -> URL:
    """Return the base URL of a server, without a trailing slash.

    A bare host gets http and port 32400; an address with a scheme is taken at its
    word. The path of Plex Web, a query and a fragment are dropped, the path prefix of
    a reverse proxy is kept.

    Raises PlexUrlError when the text cannot be such an address.
    """
    text = text.strip()
    if _UNSAFE.search(text):
        raise PlexUrlError("invalid_url")
    if bare := not _SCHEME.match(text):
        text = f"http://{_bracket(text)}"
    try:
        url = URL(text)
        host, port = url.host, url.explicit_port
    except ValueError, IndexError:  # the latter is what yarl makes of "[]@"
        # These repeat what was typed, which may be a token: not to be chained.
        raise PlexUrlError("invalid_url") from None
    if url.scheme not in ("http", "https"):
        raise PlexUrlError("unsupported_scheme")
    if url.user is not None or url.password is not None:
        raise PlexUrlError("credentials_in_url")
    if not host or port == 0 or not _HOST.fullmatch(url.raw_host or ""):
        raise PlexUrlError("invalid_url")
    path = _WEB_APP.sub("", url.raw_path).rstrip("/")
    if bare and port is None:
        url = url.with_port(DEFAULT_PORT)
    return url.origin().with_path(path, encoded=True)


def _bracket(text: str) -> str:
    """Put brackets around a bare IPv6 address, which has no room for a port."""
    try:
        IPv6Address(text.rstrip("/"))
    except ValueError:
        return text
    return f"[{text.rstrip('/')}]"
