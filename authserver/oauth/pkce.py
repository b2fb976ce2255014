"""PKCE (RFC 7636) with S256, always: no challenge, no code; no verifier, no token.

Called by ``oauth.authorization`` (the challenge) and ``oauth.grants.code`` (the verifier). ``plain`` is
not built: there is no branch that could be reached by leaving a parameter out.
"""

import hmac
import re

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

METHOD = "S256"
# BASE64URL(SHA256(verifier)) is 43 characters, whatever the verifier (RFC 7636 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636 4.1


def problem_with_challenge(challenge: str | None, method: str | None) -> str | None:
    """Say what is wrong with the challenge of an authorization request; None when it can be used."""
    if challenge is None:
        return "code_challenge is required"  # RFC 7636 4.4.1
    # Absent means plain (RFC 7636 4.3), which is refused like any other method.
    if method != METHOD:
        return "code_challenge_method must be S256"
    if not _CHALLENGE.fullmatch(challenge):
        return "code_challenge is not an S256 challenge"
    return None


def verifier_matches(verifier: str, challenge: str) -> bool:
    """Tell whether the verifier is the one whose hash was sent to the authorization endpoint (RFC 7636
    4.6).
    """
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(create_s256_code_challenge(verifier), challenge)
