"""Domain errors of the authorization server: what went wrong, in public words and in private ones.

Raised everywhere, rendered only by ``authserver/web/responses.py``. Must not know HTTP: statuses, headers
and bodies are chosen by the renderer from the type and the code. ``description`` is sent to whoever asked,
so it never repeats input; ``private_detail`` goes to the log beside the correlation id and is never sent.
"""

from dataclasses import dataclass


class AuthServerError(Exception):
    """Root of everything this server raises on purpose."""


class SettingsError(AuthServerError):
    """The configuration is wrong; the message is one line that names the variable and never a secret's
    value.
    """


class RequestError(AuthServerError):
    """A request that is refused.

    Args:
        code: the error code of the specification that defines the answer, for example ``invalid_grant``.
        description: public; ASCII without quotes or backslashes (RFC 6749 §5.2), no echo of the input.
        private_detail: for the log only.
    """

    def __init__(self, code: str, description: str, *, private_detail: str | None = None) -> None:
        super().__init__(f"{code}: {private_detail or description}")
        self.code = code
        self.description = description
        self.private_detail = private_detail


class OAuthError(RequestError):
    """Answered as OAuth JSON (RFC 6749 §5.2, RFC 7591 §3.2.2)."""


class PageError(RequestError):
    """Shown to a person as a page: there is no redirect target that may be trusted (RFC 6749 §4.1.2.1)."""


@dataclass(frozen=True, slots=True)
class ProvenRedirect:
    """A redirect target that matched the client's registration exactly; only the matching check makes one.

    Attributes:
        redirect_uri: the registered URI (with the request's own port where it is loopback, RFC 8252 §7.3).
        state: what the client sent, to be returned unchanged; ``None`` when it sent none.
    """

    redirect_uri: str
    state: str | None


class RedirectableError(RequestError):
    """Answered by a redirect to the client with error, state and iss (RFC 6749 §4.1.2.1, RFC 9207 §2)."""

    def __init__(
        self, target: ProvenRedirect, code: str, description: str, *, private_detail: str | None = None
    ) -> None:
        super().__init__(code, description, private_detail=private_detail)
        self.target = target


class NotAdmitted(PageError):
    """Shown to a person who signed in and has no access here: whom to ask, and the way back.

    Args:
        description: public.
        tid: their tenant, for whoever is asked.
        target: where the application waits for an answer; None where none does.
    """

    def __init__(
        self,
        description: str,
        *,
        tid: str,
        target: ProvenRedirect | None = None,
        private_detail: str | None = None,
    ) -> None:
        super().__init__("access_denied", description, private_detail=private_detail)
        self.tid = tid
        self.target = target


class UnavailableError(AuthServerError):
    """Something this server depends on does not answer; trying again later is right.

    Args:
        private_detail: for the log only.
        retry_after_seconds: what the answer's Retry-After says.
    """

    def __init__(self, private_detail: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(private_detail)
        self.private_detail = private_detail
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(UnavailableError):
    """The store is away, locked past the deadline, full, or not durable enough to be used."""


class UpstreamUnavailable(UnavailableError):
    """Entra ID is away or slow."""
