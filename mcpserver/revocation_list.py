"""The authorization server's signed list of what was revoked: whether a document is one, and what it says.

Called by ``revocations`` with what it fetched. Does no I/O and keeps nothing. A list is believed on its
signature alone, like an access token, never for where it came from.

    header   typ revocations+jwt, alg, kid
    claims   iss, iat, exp, sids: sessions that ended, kids: signing keys that were withdrawn
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mcpserver.jwk_set import VerificationKey
from mcpserver.signed_jwt import Kind, check_issuer, check_times, refuse, verified_claims

MAX_BYTES: Final = 16 * 1024 * 1024
"""Of a list as it travels: some 480,000 sessions."""
CLOCK_SKEW_SECONDS: Final = 300.0
"""How far ``iat`` may lie in the future: refusing the list of a server whose clock is a minute ahead would
honour what it revoked."""

_KIND: Final = Kind("revocation list", "revocations+jwt", MAX_BYTES)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list whose signature and claims were checked."""

    issued_at_seconds: float
    expires_at_seconds: float
    session_ids: frozenset[str] = frozenset()
    key_ids: frozenset[str] = frozenset()


def read(
    document: bytes,
    issuer: str,
    algorithms: frozenset[str],
    find_key: Callable[[str], VerificationKey | None],
    now_seconds: float,
) -> RevocationList:
    """Return the list that a document is.

    Args:
        document: what was fetched.
        issuer: the only ``iss`` accepted, compared exactly.
        algorithms: signature algorithms accepted.
        find_key: gives a published key by its id, None for one that is known to be withdrawn.
        now_seconds: seconds since the epoch.

    Raises:
        NotAcceptable: it is no list of this issuer for now.
    """
    claims, key = verified_claims(document, _KIND, algorithms, find_key)
    check_issuer(claims, issuer, _KIND)
    issued_at_seconds, expires_at_seconds = check_times(claims, now_seconds, CLOCK_SKEW_SECONDS, _KIND)
    session_ids, key_ids = _ids(claims.get("sids")), _ids(claims.get("kids"))
    if key.key_id in key_ids:
        refuse("The revocation list is signed with a key that it withdraws", f"kid {key.key_id}")
    return RevocationList(issued_at_seconds, expires_at_seconds, session_ids, key_ids)


def _ids(member: object) -> frozenset[str]:
    if not isinstance(member, list) or not all(isinstance(each, str) for each in member):
        refuse("The revocation list's sids or kids are missing or not lists of strings")
    return frozenset(member)
