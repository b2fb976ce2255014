"""The validated request on its way through the consent page: sealed into the form, tied to the browser by a
cookie.

Called by ``web.authorize`` (``seal``) and ``web.consent`` (``open``). Nothing is stored, so the page may be
loaded any number of times, and each form has a cookie of its own, so that two tabs opened at once both
work. Must not remember an approval.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from authserver.cipher import Cipher, SealBroken, digest
from authserver.errors import PageError
from authserver.model import AuthorizationRequest, Clock

_PURPOSE: Final = "consent-form"
# How far the clocks of two replicas may be apart.
_SKEW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class SealedForm:
    """What the page carries: the sealed request, and the token that must come back in a cookie and in the
    form.
    """

    form_id: str
    csrf_token: str
    sealed: str


@dataclass(frozen=True, slots=True)
class _Contents:
    request: AuthorizationRequest
    form_id: str
    csrf_digest: str
    sealed_at_seconds: int


_CONTENTS: Final = TypeAdapter(_Contents)


class ConsentForms:
    """Args: cipher: whose key seals; clock: seconds since 1970; lifetime_seconds: how long a page may stay
    open.
    """

    def __init__(self, cipher: Cipher, clock: Clock, lifetime_seconds: int) -> None:
        self._sealer = cipher.sealer(_PURPOSE)
        self._clock = clock
        self.lifetime_seconds = lifetime_seconds

    def seal(self, request: AuthorizationRequest) -> SealedForm:
        """Return the form's hidden values for a request."""
        now_seconds = int(self._clock())
        # Begins with the time, so that the cookies of old forms can be told from those of new ones.
        form_id = f"{now_seconds:x}-{secrets.token_hex(4)}"
        csrf_token = secrets.token_urlsafe(32)
        contents = _Contents(request, form_id, digest(csrf_token), now_seconds)
        return SealedForm(form_id, csrf_token, self._sealer.seal(orjson.dumps(contents)))

    def unseal(self, sealed: str | None) -> "OpenedForm":
        """Return what the form carries.

        Raises:
            PageError: access_denied for anything this server did not seal, invalid_request when it is too
                old.
        """
        try:
            contents = _CONTENTS.validate_json(self._sealer.unseal(sealed or ""))
        except (SealBroken, ValidationError):
            raise PageError("access_denied", "this form did not come from this server") from None
        age_seconds = self._clock() - contents.sealed_at_seconds
        if not -_SKEW_SECONDS <= age_seconds < self.lifetime_seconds:
            raise PageError("invalid_request", "this page was open for too long")
        return OpenedForm(contents.request, contents.form_id, contents.csrf_digest)


@dataclass(frozen=True, slots=True)
class OpenedForm:
    """A form that this server sealed; whose browser it comes from is proven by ``check_browser``."""

    request: AuthorizationRequest
    form_id: str
    _csrf_digest: str

    def check_browser(self, cookie: str | None, csrf_token: str | None) -> None:
        """Refuse a form that another browser, or another site, submits.

        Raises:
            PageError: access_denied.
        """
        for value in (cookie, csrf_token):
            if value is None or not hmac.compare_digest(digest(value), self._csrf_digest):
                raise PageError("access_denied", "this form was not opened in this browser")
