"""Certificates as a Plex Media Server has them, and as one is deceived with."""

from ssl import PROTOCOL_TLS_SERVER, SSLContext


def direct_name(address: str, direct_hash: str) -> str:
    """Return the name of an IP address in the certificate with this hash."""
    name = address.replace(".", "-").replace(":", "-")
    return f"{name}.{direct_hash}.plex.direct"


class Authority:
    """Whoever trusts this authority trusts the certificates made here.

    They can only be made while no test has stopped the clock, so best of all once for
    all tests. Whether they are valid is then up to the real clock.
    """

    def __init__(self) -> None:
        # Only tests need it: where the simulator is for show, it is not installed.
        import trustme  # noqa: PLC0415 -- for the reason above

        self._authority = trustme.CA()

    @property
    def pem(self) -> bytes:
        """What a file holds that tells another program to trust this authority."""
        return self._authority.cert_pem.bytes()

    def trust(self, context: SSLContext) -> None:
        """Make a client trust this authority, besides those it trusts already."""
        self._authority.configure_trust(context)

    def direct(self, direct_hash: str) -> SSLContext:
        """Return what a Plex server speaks TLS with: no address is valid, nor a name.

        The hash is 32 hexadecimal digits; only names of `direct_name` are valid.
        """
        return self.valid_for(f"*.{direct_hash}.plex.direct")

    def valid_for(self, *names: str) -> SSLContext:
        """Return what a server speaks TLS with that has these names or addresses."""
        context = SSLContext(PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(context)
        return context

    @staticmethod
    def self_signed() -> SSLContext:
        """Return what no one should trust, least of all under the server's address."""
        return Authority().valid_for("server.invalid")
