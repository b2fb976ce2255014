"""A form on its way through a browser: what it decides sealed into it, tied to the browser by a cookie.

Called by the endpoints whose pages ask a person to press a button. Nothing is stored, so a page may be loaded
any number of times, and each form has a cookie of its own, so that two tabs opened at once both work. Each
kind of form has its own key: one can never be submitted in another's place. Must not remember an answer.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from authserver.cipher import Cipher, SealBroken, digest
from authserver.errors import PageError
from authserver.model import Clock

# How far the clocks of two replicas may be apart.
_SKEW_SECONDS: Final = 60

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SealedForm:
    """What the page carries: the sealed contents, and the token that must come back in a cookie and in the
    form.
    """

    form_id: str
    csrf_token: str
    sealed: str


@dataclass(frozen=True, slots=True)
class _Envelope:
    contents: object
    form_id: str
    csrf_digest: str
    sealed_at_seconds: int


_ENVELOPE: Final = TypeAdapter(_Envelope)


class BrowserForms(Generic[_T]):
    """Args: cipher: whose key seals; purpose: the kind of form; kind: of what it decides; clock: seconds
    since 1970; lifetime_seconds: how long a page may stay open.
    """

    def __init__(
        self, cipher: Cipher, purpose: str, kind: TypeAdapter[_T], clock: Clock, lifetime_seconds: int
    ) -> None:
        self._sealer = cipher.sealer(purpose)
        self._kind = kind
        self._clock = clock
        self.lifetime_seconds = lifetime_seconds

    def seal(self, contents: _T) -> SealedForm:
        """Return the form's hidden values."""
        now_seconds = int(self._clock())
        # Begins with the time, so that the cookies of old forms can be told from those of new ones.
        form_id = f"{now_seconds:x}-{secrets.token_hex(4)}"
        csrf_token = secrets.token_urlsafe(32)
        envelope = _Envelope(contents, form_id, digest(csrf_token), now_seconds)
        return SealedForm(form_id, csrf_token, self._sealer.seal(orjson.dumps(envelope)))

    def unseal(self, sealed: str | None) -> "OpenedForm[_T]":
        """Return what the form carries.

        Raises:
            PageError: access_denied for anything this server did not seal, invalid_request when it is too
                old.
        """
        try:
            envelope = _ENVELOPE.validate_json(self._sealer.unseal(sealed or ""))
            contents = self._kind.validate_python(envelope.contents)
        except (SealBroken, ValidationError):
            raise PageError("access_denied", "this form did not come from this server") from None
        age_seconds = self._clock() - envelope.sealed_at_seconds
        if not -_SKEW_SECONDS <= age_seconds < self.lifetime_seconds:
            raise PageError("invalid_request", "this page was open for too long")
        return OpenedForm(contents, envelope.form_id, envelope.csrf_digest)


@dataclass(frozen=True, slots=True)
class OpenedForm(Generic[_T]):
    """A form that this server sealed; whose browser it comes from is proven by ``check_browser``."""

    contents: _T
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
