"""Whether a person is still there: at a refresh, Entra is asked about them, at most every fifteen minutes.

::

    FRESH --upstream_check_seconds pass--> DUE
    DUE   --Entra says who they are-->     FRESH  (with the roles and groups of now)
    DUE   --Entra says no-->               gone   (the session is ended)
    DUE   --no answer-->                   DUE    (refreshing goes on; asked again at the next refresh)
    DUE   --no answer until upstream_grace_seconds after the last one--> UNKNOWN (503, nothing is spent)
    UNKNOWN --Entra answers-->             as from DUE

Called by ``oauth.grants.refresh`` alone. Only Entra's own definitive word ends a session: that it is away, or
that this server's credential has expired, does not. Must not read the store unless a check is due.
"""

import logging
from collections.abc import Callable
from typing import Final

from authserver.errors import AuthServerError, UpstreamUnavailable
from authserver.model import Clock, Identity, Session, SignedIn
from authserver.oauth.vault import Vault
from authserver.upstream.errors import LoginDenied, LoginUnproven, UpstreamUndecided

_log = logging.getLogger(__name__)

# While Entra does not answer for a tenant, one refresh in so many seconds waits to find out whether it does.
PAUSE_SECONDS: Final = 10
_RETRY_AFTER_SECONDS: Final = 30

# Asks Entra: tid and refresh token in, who that is now out (``SignInBroker.renew``).
Renew = Callable[[str, str], SignedIn]


class PersonGone(AuthServerError):
    """The session must end.

    Args:
        reason: for the audit.
        private_detail: for the log.
    """

    def __init__(self, reason: str, private_detail: str) -> None:
        super().__init__(f"{reason}: {private_detail}")
        self.reason = reason
        self.private_detail = private_detail


class UpstreamCheck:
    """Args: renew: asks Entra; vault: what it is asked with; clock; every_seconds: how old an answer may get;
    grace_seconds: and while Entra is away.
    """

    def __init__(
        self, renew: Renew, vault: Vault, clock: Clock, *, every_seconds: int, grace_seconds: int
    ) -> None:
        self._renew = renew
        self._vault = vault
        self._clock = clock
        self._every_seconds = every_seconds
        self._grace_seconds = grace_seconds
        self._paused_until: dict[str, float] = {}

    def verified(self, session: Session) -> tuple[Identity, int] | None:
        """Return who the person is as Entra says now, and when it said so; None where the last answer counts.

        Raises:
            PersonGone: Entra says that they may not go on.
            UpstreamUnavailable: for too long there has been no answer.
        """
        age_seconds = self._clock() - (session.upstream_checked_at_seconds or session.created_at_seconds)
        if age_seconds < self._every_seconds:
            return None
        try:
            return self._ask(session)
        except UpstreamUnavailable as error:
            if age_seconds < self._grace_seconds:
                _log.warning("session %s goes on unchecked: %s", session.sid, error.private_detail)
                return None
            raise UpstreamUnavailable(
                f"session {session.sid} unchecked for {age_seconds:.0f} s: {error.private_detail}",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            ) from None

    def _ask(self, session: Session) -> tuple[Identity, int]:
        tid = session.identity.tid
        kept = self._vault.open(session.sid)
        if kept is None:
            raise PersonGone("upstream_unknown", "nothing to ask Entra with")
        self._enter(tid)
        try:
            signed_in = self._renew(tid, kept.refresh_token)
        except LoginDenied as error:
            self._paused_until.pop(tid, None)
            raise PersonGone("upstream_refused", error.private_detail) from None
        except LoginUnproven as error:
            self._paused_until.pop(tid, None)
            raise UpstreamUndecided(str(error)) from None
        except UpstreamUndecided:
            self._paused_until.pop(tid, None)
            raise
        except UpstreamUnavailable:
            self._paused_until[tid] = self._clock() + PAUSE_SECONDS
            raise
        self._paused_until.pop(tid, None)
        if signed_in.identity.subject != session.identity.subject:
            raise PersonGone("upstream_mismatch", "Entra answered about somebody else")
        self._vault.renew(session, kept, signed_in.refresh_token)
        return signed_in.identity, int(self._clock())

    def _enter(self, tid: str) -> None:
        paused_until, now = self._paused_until.get(tid), self._clock()
        if paused_until is None:
            return
        if 0 < paused_until - now <= PAUSE_SECONDS:
            raise UpstreamUnavailable("Entra did not answer a moment ago")
        # One finds out; the others go on meanwhile.
        self._paused_until[tid] = now + PAUSE_SECONDS
