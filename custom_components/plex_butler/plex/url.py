"""The URL of a server, from text that people type or paste."""

from ipaddress import IPv6Address
import re

from yarl import URL

from .errors import PlexUrlError

DEFAULT_PORT = 32400

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Characters that no URL contains, and a scheme without its slashes, which would look
# like a host.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]|^https?:(?!//)", re.IGNORECASE)
# A host name (resolvers raise any exception for others), or an IPv6 address.
_HOST = re.compile(
    r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?|[0-9a-f]*:[0-9a-f:.]+(%[\w.-]+)?",
    re.ASCII,
)
# Plex Web is at /web; a proxy may put a prefix before it.
_WEB_APP = re.compile(r"/web(/.*)?$")


def normalize_url(text: str) -> URL:
    """Return the base URL of a server, without a trailing slash.

    A bare host gets http and port 32400; a URL with a scheme is used as entered. The
    path of Plex Web, a query and a fragment are removed, the path prefix of a reverse
    proxy is kept.

    Raises PlexUrlError when the text is not a valid address.
    """
    text = text.strip()
    if _UNSAFE.search(text):
        raise PlexUrlError("invalid_url")
    if bare := not _SCHEME.match(text):
        text = f"http://{_bracket(text)}"
    try:
        url = URL(text)
        host, port = url.host, url.explicit_port
    except ValueError, IndexError:  # the latter for "[]@"
        # Not chained: they contain the text, which may be a token.
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
    """Put a bare IPv6 address in brackets; it cannot be followed by a port."""
    try:
        IPv6Address(text.rstrip("/"))
    except ValueError:
        return text
    return f"[{text.rstrip('/')}]"
