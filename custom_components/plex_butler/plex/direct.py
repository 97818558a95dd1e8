"""plex.direct: the names that the certificates of Plex servers are valid for.

Such a name is an IPv4 address with dashes for dots, and a hash that is the server's for
as long as its certificate is: `192-168-1-5.<hash>.plex.direct`. It stands for nothing
but that address.
"""

import asyncio
from dataclasses import dataclass
import hashlib
from ipaddress import AddressValueError, IPv4Address
import re
import ssl

from yarl import URL

# What a connection may take before there is none (seconds).
CONNECT_TIMEOUT = 5.0

_HASH = r"[0-9a-z]{1,63}"
# Without ASCII, IGNORECASE takes letters of other alphabets for some of these.
_CASELESS = re.IGNORECASE | re.ASCII
_NAME = re.compile(rf"(\d+-\d+-\d+-\d+)\.{_HASH}\.plex\.direct\.?", _CASELESS)
_DOMAIN = re.compile(rf"({_HASH})\.plex\.direct", _CASELESS)
# In a certificate, names stand as plain text.
_CERTIFIED = re.compile(rf"\*\.({_HASH})\.plex\.direct".encode())


def direct_address(host: str | None) -> str | None:
    """Return the IPv4 address that a plex.direct name stands for; None for others."""
    if not (name := _NAME.fullmatch(host or "")):
        return None
    try:
        return str(IPv4Address(name[1].replace("-", ".")))
    except AddressValueError:
        return None


def direct_hash(domain: str) -> str | None:
    """Return the hash of `<hash>.plex.direct`; None for anything else."""
    return name[1].lower() if (name := _DOMAIN.fullmatch(domain)) else None


def url_hash(url: URL) -> str | None:
    """Return the hash in the plex.direct name of a URL; None for other names."""
    return direct_hash((url.host or "").partition(".")[2].rstrip("."))


def direct_url(address: str, hash_: str, port: int) -> URL | None:
    """Return the secure URL of a server; None where the address has no such name."""
    try:
        name = str(IPv4Address(address)).replace(".", "-")
    except AddressValueError:
        return None
    return URL.build(scheme="https", host=f"{name}.{hash_}.plex.direct", port=port)


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What a server shows of itself before anything is sent to it."""

    address: str
    """The IP address that it was shown at."""
    direct_hash: str | None
    """Whose plex.direct names it is valid for; None for another kind."""
    fingerprint: str
    """The SHA-256 of it, in hexadecimal digits."""


async def read_certificate(url: URL) -> Certificate | None:
    """Return the certificate at a URL, trusted or not; None if there is none.

    A server may speak TLS where the URL says http: both share a port.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(
                direct_address(url.host) or url.host, url.port, ssl=context
            )
    except OSError:  # which time-outs and failures of TLS are, too
        return None
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(
        binary_form=True
    )
    address: str = writer.get_extra_info("peername")[0]
    writer.transport.abort()
    name = _CERTIFIED.search(certificate)
    return Certificate(
        address=address,
        direct_hash=name[1].decode() if name else None,
        fingerprint=hashlib.sha256(certificate).hexdigest(),
    )
