"""What can go wrong at Entra, told apart by what the person and the client should learn."""

from authserver.errors import AuthServerError, UpstreamUnavailable


class LoginDenied(AuthServerError):
    """Entra answered with an error: the person declined, or may not sign in.

    Args:
        code: the OAuth error code for our client.
        private_detail: Entra's own words, for the log.
    """

    def __init__(self, code: str, private_detail: str) -> None:
        super().__init__(f"{code}: {private_detail}")
        self.code = code
        self.private_detail = private_detail


class LoginUnproven(AuthServerError):
    """What came back proves nobody's identity: a forged, stale or foreign answer or id_token."""


class AssertionUnproven(AuthServerError):
    """An assertion that a client brought proves nothing; the message says which check failed, for the log."""


class DocumentRefused(AuthServerError):
    """A public document that is not taken: where it lies, how it was answered; for the log."""


class DocumentUnavailable(AuthServerError):
    """A public document that cannot be had at the moment; the message is for the log."""


class UpstreamUndecided(UpstreamUnavailable):
    """Entra answered, and said nothing about the person: this server's own credential is refused, say."""
