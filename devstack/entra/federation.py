"""Client assertions (RFC 7523): an application proves itself with a token of somebody it trusts.

``verify_assertion`` is called by ``clients``, ``check_times`` by ``certificates``, too. ``LocalIssuer`` plays
the cluster that gives a pod such a token (workload identity), so that a test or a person can point
``AZURE_FEDERATED_TOKEN_FILE`` at one. Must not fetch anything: whose keys count is configured.
"""

import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from devstack.entra import errors, files, keys
from devstack.entra.directory import Application, FederatedCredential
from devstack.entra.errors import EntraError

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LOCAL_ISSUER: Final = "https://workload-identity.localhost/"
LOCAL_SUBJECT: Final = "system:serviceaccount:mcpstack:authserver"
_SKEW_SECONDS: Final = 300
_FILE_NAME: Final = "entra-workload-key.json"


class LocalIssuer:
    """An issuer of federated tokens; its key is in the state folder.

    Args:
        state_dir: see there.
        clock: seconds since 1970.
    """

    def __init__(self, state_dir: Path, clock: Callable[[], float]) -> None:
        content = files.read_or_make(
            state_dir / _FILE_NAME, lambda: json.dumps(keys.new_key().as_dict(private=True)).encode()
        )
        (self._members,) = keys.parse(state_dir / _FILE_NAME, content)
        self._clock = clock

    @cached_property
    def _key(self) -> RSAKey:  # most emulators are never asked for a token, and loading a key is slow
        key = RSAKey.import_key(self._members)
        key.ensure_kid()
        return key

    def credential(self) -> FederatedCredential:
        """Return what an application trusts when it trusts this issuer."""
        return FederatedCredential(LOCAL_ISSUER, LOCAL_SUBJECT, self.jwks)

    def jwks(self) -> dict[str, object]:
        """Return the public key."""
        return {"keys": [self._key.as_dict(private=False)]}

    def token(self, lifetime_seconds: int = 3600, **claims: object) -> str:
        """Return a token; ``claims`` replace what it would say."""
        now = int(self._clock())
        said = {
            "iss": LOCAL_ISSUER,
            "sub": LOCAL_SUBJECT,
            "aud": ["api://AzureADTokenExchange"],
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_seconds,
            "jti": str(uuid.uuid4()),
            **claims,
        }
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, said, self._key)

    def write_token(self, path: Path, lifetime_seconds: int = 3600) -> None:
        """Put a token into a file, as a kubelet does."""
        files.write(path, self.token(lifetime_seconds).encode())


def verify_assertion(assertion: str, application: Application, now_seconds: float) -> None:
    """Make sure that the assertion proves the application.

    Raises:
        EntraError: one of the ASSERTION_ kinds.
    """
    credential = _credential_for(unverified_claims(assertion), application)
    try:
        trusted = KeySet.import_key_set(credential.jwks())  # type: ignore[arg-type]
        claims = jwt.decode(assertion, trusted, algorithms=["RS256"]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise EntraError(errors.ASSERTION_SIGNATURE) from None
    check_times(claims, now_seconds)


def check_times(claims: Mapping[str, Any], now_seconds: float) -> None:
    """Make sure that an assertion is good now.

    Raises:
        EntraError: ASSERTION_TIMES.
    """
    exp, nbf = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(exp, int | float) or not isinstance(nbf, int | float):
        raise EntraError(errors.ASSERTION_TIMES)
    if not nbf - _SKEW_SECONDS <= now_seconds < exp + _SKEW_SECONDS:
        raise EntraError(errors.ASSERTION_TIMES)


def _credential_for(unverified: dict[str, Any], application: Application) -> FederatedCredential:
    issuer, subject = str(unverified.get("iss")), str(unverified.get("sub"))
    of_issuer = [c for c in application.federated_credentials if c.issuer == issuer]
    if not of_issuer:
        raise EntraError(errors.ASSERTION_ISSUER, issuer=issuer)
    of_subject = [c for c in of_issuer if c.subject == subject]
    if not of_subject:
        raise EntraError(errors.ASSERTION_SUBJECT, subject=subject)
    audience = unverified.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    found = next((c for c in of_subject if c.audience in audiences), None)
    if found is None:
        raise EntraError(errors.ASSERTION_AUDIENCE, audience=str(audience))
    return found


def unverified_claims(assertion: str) -> dict[str, Any]:
    """Return what an assertion says, whoever wrote it.

    Raises:
        EntraError: INVALID_ASSERTION.
    """
    parts = assertion.split(".")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, RecursionError):
        raise EntraError(errors.INVALID_ASSERTION) from None
    if not isinstance(claims, dict):
        raise EntraError(errors.INVALID_ASSERTION)
    return claims
