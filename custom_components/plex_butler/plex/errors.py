"""What can go wrong between this client and a Plex Media Server.

No message holds a token: messages are made of fixed words, statuses and origins.
"""


class PlexError(Exception):
    """Any failure of a call to a Plex Media Server."""


class PlexUrlError(PlexError):
    """What was typed is not the address of a server; `reason` tells why.

    `reason` is "invalid_url", "unsupported_scheme" or "credentials_in_url".
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason; the address itself may hold a secret."""
        super().__init__(reason)
        self.reason = reason


class PlexConnectionError(PlexError):
    """No answer could be had: refused, dropped, or the name is unknown."""


class PlexTimeoutError(PlexConnectionError):
    """The server accepted the connection but did not answer in time."""


class PlexTlsError(PlexConnectionError):
    """The secure connection failed, most often because of the certificate."""


class PlexHttpsRequiredError(PlexConnectionError):
    """A plain HTTP request was dropped unanswered.

    That is what a server with "Secure connections: Required" does.
    """


class PlexAuthenticationError(PlexError):
    """The token is missing, wrong or no longer valid (401)."""


class PlexForbiddenError(PlexError):
    """The token is valid, but its account does not own the server (403)."""


class PlexBusyError(PlexError):
    """The server is reachable but busy with itself (503) or with us (429).

    `retry_after` is the number of seconds it asked to be left alone for, if it did.
    """

    def __init__(self, status: int, retry_after: float | None) -> None:
        """Keep the server's wish."""
        super().__init__(f"HTTP status {status}")
        self.retry_after = retry_after


class PlexResponseError(PlexError):
    """The answer is none a Plex Media Server gives; `status` is set if that is why."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Keep the status of an answer that is neither success nor a known refusal."""
        super().__init__(message)
        self.status = status


class PlexRedirectError(PlexResponseError):
    """The server pointed to another address; the token is not sent there."""


class PlexWrongServerError(PlexError):
    """Another Plex Media Server answers than the one that is wanted."""


class PlexUnknownTaskError(PlexError):
    """The server has no Butler task of that name (404)."""


class PlexPinExpiredError(PlexError):
    """Nobody entered the code of a sign-in while it was valid."""


class PlexSettingError(PlexError):
    """The server has no setting of that id, or does not take the value (400, 403)."""
