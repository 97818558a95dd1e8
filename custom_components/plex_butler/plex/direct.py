"""plex.direct: host names for which the certificates of Plex servers are valid.

Such a name consists of an IPv4 address with dashes for dots and a hash, which changes
when the server's certificate is renewed: `192-168-1-5.<hash>.plex.direct`.
"""

import asyncio
from dataclasses import dataclass
import hashlib
from ipaddress import AddressValueError, IPv4Address
import re
import ssl

from yarl import URL

# Seconds to wait for a connection.
CONNECT_TIMEOUT = 5.0

_HASH = r"[0-9a-z]{1,63}"
# Without ASCII, IGNORECASE matches letters of other alphabets, too.
_CASELESS = re.IGNORECASE | re.ASCII
_NAME = re.compile(rf"(\d+-\d+-\d+-\d+)\.{_HASH}\.plex\.direct\.?", _CASELESS)
_DOMAIN = re.compile(rf"({_HASH})\.plex\.direct", _CASELESS)
# A certificate contains its names as plain text.
_CERTIFIED = re.compile(rf"\*\.({_HASH})\.plex\.direct".encode())


def direct_address(host: str | None) -> str | None:
    """Return the IPv4 address in a plex.direct name; None for other names."""
    if not (name := _NAME.fullmatch(host or "")):
        return None
    try:
        return str(IPv4Address(name[1].replace("-", ".")))
    except AddressValueError:
        return None


def direct_hash(domain: str) -> str | None:
    """Return the hash of `<hash>.plex.direct`; None for anything else."""
    return name[1].lower() if (name := _DOMAIN.fullmatch(domain)) else None


def direct_hash_of(url: URL | str) -> str | None:
    """Return the hash in the plex.direct name of a URL; None for other hosts."""
    return direct_hash((URL(url).host or "").partition(".")[2].rstrip("."))


def direct_url(address: str, hash_: str, port: int) -> URL | None:
    """Return the https URL of a server; None if the address has no such name."""
    try:
        name = str(IPv4Address(address)).replace(".", "-")
    except AddressValueError:
        return None
    return URL.build(scheme="https", host=f"{name}.{hash_}.plex.direct", port=port)


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """The certificate of a server."""

    address: str
    """The IP address of the server."""
    direct_hash: str | None
    """The hash of the plex.direct names it is valid for, if any."""
    fingerprint: str
    """The SHA-256 of the certificate, in hexadecimal digits."""


async def read_certificate(url: URL) -> Certificate | None:
    """Return the certificate at a URL without verifying it; None if there is none.

    Sends no request. The URL may be http: a server has http and https on one port.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(
                direct_address(url.host) or url.host, url.port, ssl=context
            )
    except OSError:  # includes time-outs and TLS failures
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
