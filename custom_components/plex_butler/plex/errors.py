"""Errors of the client.

No message contains a token: messages consist of fixed words, statuses and origins.
"""


class PlexError(Exception):
    """Any failure of a call."""


class PlexUrlError(PlexError):
    """The text is not the address of a server.

    `reason` is "invalid_url", "unsupported_scheme" or "credentials_in_url".
    """

    def __init__(self, reason: str) -> None:
        """Store the reason, but not the text: it may contain a secret."""
        super().__init__(reason)
        self.reason = reason


class PlexConnectionError(PlexError):
    """There was no answer: refused, dropped, or an unknown host name."""


class PlexTimeoutError(PlexConnectionError):
    """The server accepted the connection but did not answer in time."""


class PlexTlsError(PlexConnectionError):
    """The secure connection failed, most often because of the certificate."""


class PlexHttpsRequiredError(PlexConnectionError):
    """A plain HTTP request was dropped without an answer.

    A server with "Secure connections: Required" does that.
    """


class PlexAuthenticationError(PlexError):
    """The token is missing, wrong or no longer valid (401)."""


class PlexForbiddenError(PlexError):
    """The token is valid, but its account does not own the server (403)."""


class PlexBusyError(PlexError):
    """The server is in maintenance (503), or limits the rate of requests (429).

    `retry_after` is the delay in seconds that it asked for, if it did.
    """

    def __init__(self, status: int, retry_after: float | None) -> None:
        """Store the Retry-After delay."""
        super().__init__(f"HTTP status {status}")
        self.retry_after = retry_after


class PlexResponseError(PlexError):
    """The answer is not one of a Plex Media Server.

    `status` is the HTTP status, if that is the reason.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Store the status."""
        super().__init__(message)
        self.status = status


class PlexServerError(PlexResponseError):
    """The server or a proxy failed to handle the request (500, 502, 504)."""


class PlexRedirectError(PlexResponseError):
    """The server redirects to another address; the token is not sent there."""


class PlexWrongServerError(PlexError):
    """Another Plex Media Server answers than the expected one."""


class PlexUnknownTaskError(PlexError):
    """The server has no Butler task of that name (404)."""


class PlexPinExpiredError(PlexError):
    """The code of a sign-in expired before it was entered."""


class PlexSettingError(PlexError):
    """The server has no setting of that id, or refuses the value (400, 403)."""
