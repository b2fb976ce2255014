"""Who is signed in at a page of ours: a sealed cookie for a few minutes, and nothing in the store.

Called by the account and administration pages, each with a kind of its own: another cookie, sealed with
another key, so that neither is worth anything at the other's page, nor is any cookie of a sign-in. Signing
out is remembered for as long as the cookie would have been good. Must not be taken for consent to anything.
"""

import hmac
import secrets
from dataclasses import dataclass, field, replace
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from authserver.cipher import Cipher, SealBroken
from authserver.errors import PageError
from authserver.model import Clock, Identity
from authserver.store.protocols import RecordStore
from authserver.web.cookies import Cookies, SessionKind
from authserver.web.http import HttpRequest

_ENDED: Final = "ended-browser-session"
# How far the clocks of two replicas may be apart.
_SKEW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Somebody who signed in at a page of ours, in this browser.

    Attributes:
        session_id: by which signing out is remembered.
        identity: who it is, without roles and groups.
        csrf_token: stands in every form of the page; a form without it was made elsewhere.
        signed_in_at_seconds: since when it counts.
    """

    session_id: str
    identity: Identity
    csrf_token: str = field(repr=False)
    signed_in_at_seconds: int

    def check_form(self, csrf_token: str | None) -> None:
        """Refuse a form that was not made for this session.

        Raises:
            PageError: access_denied.
        """
        if csrf_token is None or not hmac.compare_digest(csrf_token.encode(), self.csrf_token.encode()):
            raise PageError("access_denied", "this form was not opened in this browser")


_SESSION: Final = TypeAdapter(BrowserSession)


class BrowserSessions:
    """Args: kind: of the page; cipher: whose key seals; records: where signing out is remembered; cookies;
    clock; lifetime_seconds: from the sign-in.
    """

    def __init__(
        self,
        kind: SessionKind,
        cipher: Cipher,
        records: RecordStore,
        cookies: Cookies,
        *,
        clock: Clock,
        lifetime_seconds: int,
    ) -> None:
        self._sealer = cipher.sealer(f"{kind}-session")
        self._records = records
        self._cookies = cookies
        self._cookie_name = cookies.session_name(kind)
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds

    def begin(self, identity: Identity, signed_in_at_seconds: int) -> tuple[str, str]:
        """Return the header that signs this person in."""
        session = BrowserSession(
            session_id=secrets.token_urlsafe(16),
            # A cookie has 4 KiB, and a person can have more groups than that.
            identity=replace(identity, roles=(), groups=()),
            csrf_token=secrets.token_urlsafe(32),
            signed_in_at_seconds=signed_in_at_seconds,
        )
        return self._cookies.set(
            self._cookie_name, self._sealer.seal(orjson.dumps(session)), self._lifetime_seconds
        )

    def current(self, request: HttpRequest) -> BrowserSession | None:
        """Return who is signed in; None when nobody is, or not any more."""
        try:
            session = _SESSION.validate_json(
                self._sealer.unseal(request.cookies.get(self._cookie_name) or "")
            )
        except (SealBroken, ValidationError):
            return None
        age_seconds = self._clock() - session.signed_in_at_seconds
        if not -_SKEW_SECONDS <= age_seconds < self._lifetime_seconds:
            return None
        is_over = self._records.get_record(_ENDED, session.session_id) is not None
        return None if is_over else session

    def end(self, request: HttpRequest) -> tuple[str, str]:
        """Sign whoever is signed in out, also where the cookie was copied to; return the header that removes
        it here.
        """
        session = self.current(request)
        if session is not None:
            good_until_seconds = session.signed_in_at_seconds + self._lifetime_seconds + _SKEW_SECONDS
            self._records.add_record(_ENDED, session.session_id, "1", good_until_seconds)
        return self._cookies.clear(self._cookie_name)
