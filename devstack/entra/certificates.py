"""Client assertions that an application signs itself (RFC 7523 section 2.2), with a certificate's key.

Called by ``clients``. Entra finds the certificate by the thumbprint in the header, SHA-256 or SHA-1. Must not
believe a certificate that the assertion brings along (``x5c``): registered ones count alone.
"""

import hmac
from base64 import urlsafe_b64decode
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from devstack.entra import errors
from devstack.entra.directory import Application
from devstack.entra.errors import EntraError
from devstack.entra.federation import check_times

# The header holds the whole chain of certificates where MSAL wrote it.
_MAX_HEADER_BYTES: Final = 32_768
_ALGORITHMS: Final = ("PS256", "RS256")
_THUMBPRINTS: Final = (("x5t#S256", hashes.SHA256()), ("x5t", hashes.SHA1()))  # noqa: S303 (a name, no proof)


def verify_assertion(
    assertion: str, application: Application, audiences: tuple[str, ...], now_seconds: float
) -> None:
    """Make sure that the application signed the assertion, for us, now.

    Raises:
        EntraError: ASSERTION_SIGNATURE, ASSERTION_TIMES, CERTIFICATE_AUDIENCE, CERTIFICATE_SUBJECT.
    """
    try:
        registry = _Registry(algorithms=list(_ALGORITHMS))
        key = _key_for(jws.extract_compact(assertion.encode(), registry=registry).headers(), application)
        claims = jwt.decode(assertion, key, registry=registry).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise EntraError(errors.ASSERTION_SIGNATURE) from None
    check_times(claims, now_seconds)
    if claims.get("sub") != application.client_id:
        raise EntraError(errors.CERTIFICATE_SUBJECT)
    audience = claims.get("aud")
    if not any(audience == accepted for accepted in audiences):
        raise EntraError(errors.CERTIFICATE_AUDIENCE)


class _Registry(jws.JWSRegistry):
    max_header_length = _MAX_HEADER_BYTES


def _key_for(unverified_header: dict[str, Any], application: Application) -> RSAKey:
    for name, algorithm in _THUMBPRINTS:
        if name not in unverified_header:
            continue
        text = str(unverified_header[name])
        wanted = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        for pem in application.certificates:
            certificate = x509.load_pem_x509_certificate(pem)
            if hmac.compare_digest(certificate.fingerprint(algorithm), wanted):
                public = certificate.public_key().public_bytes(
                    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
                )
                return RSAKey.import_key(public)
    raise EntraError(errors.ASSERTION_SIGNATURE)
