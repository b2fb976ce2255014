"""Refusals of the token endpoint in the audit trail: who said they were who, and why they got nothing.

Called by ``web.token``. Anybody can be refused as often as they like, so in each minute only the first are
written down one by one, and of the others their number.
"""

from typing import Final

from authserver.errors import OAuthError
from authserver.model import Clock
from authserver.oauth.requests import TokenRequest
from telemetry.audit import audit

MOST_IN_A_MINUTE: Final = 300
_MINUTE_SECONDS: Final = 60
# What a device is told while it waits, and requests that are no requests, refuse nobody anything.
_OF_INTEREST: Final = frozenset(
    (
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
    )
)
_LONGEST_NAME: Final = 200


class RefusalAudit:
    """Args: clock: seconds since 1970."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0
        self._refused = 0

    def refused(self, request: TokenRequest, error: OAuthError) -> None:
        """Write the refusal down, if it is one that somebody asks about later."""
        if error.code not in _OF_INTEREST:
            return
        minute = int(self._clock()) // _MINUTE_SECONDS
        if minute != self._minute:
            if self._refused > MOST_IN_A_MINUTE:
                audit("token.refused", not_listed=self._refused - MOST_IN_A_MINUTE)
            self._minute, self._refused = minute, 0
        self._refused += 1
        if self._refused <= MOST_IN_A_MINUTE:
            audit(
                "token.refused",
                reason=error.code,
                detail=error.private_detail or error.description,
                grant=request.grant_type[:_LONGEST_NAME],
                unverified_client_id=request.credentials.client_id[:_LONGEST_NAME],
            )
