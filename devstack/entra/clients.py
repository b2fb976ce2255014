"""Client authentication at the token endpoint: a secret (in the form or as HTTP Basic) or a client assertion.

Called by ``grants``. Must not say which part of the credentials was wrong beyond what Entra says.
"""

import base64
import hmac
from dataclasses import dataclass
from urllib.parse import unquote_plus

from devstack.entra import errors
from devstack.entra.directory import Application, Directory
from devstack.entra.errors import EntraError
from devstack.entra.federation import ASSERTION_TYPE, verify_assertion
from devstack.entra.parameters import Parameters


@dataclass(frozen=True, slots=True)
class _Basic:
    client_id: str
    secret: str


def authenticate(
    parameters: Parameters, authorization_header: str | None, directory: Directory, now_seconds: float
) -> Application:
    """Return the application that the request proves to come from.

    Raises:
        EntraError: it is unknown, or proves nothing.
    """
    basic = _parse_basic(authorization_header)
    client_id = parameters.get("client_id") or (basic.client_id if basic else parameters.require("client_id"))
    application = directory.application(client_id)
    if application is None or (basic and basic.client_id != client_id):
        raise EntraError(errors.UNKNOWN_APPLICATION, client_id=client_id)
    secret = basic.secret if basic else parameters.get("client_secret")
    assertion = parameters.get("client_assertion")
    if secret is not None and assertion is not None:  # RFC 6749 section 2.3: one method at a time
        raise EntraError(errors.MALFORMED_REQUEST, what="two ways of client authentication")
    if secret is not None:
        _check_secret(secret, application)
    elif assertion is not None:
        kind = parameters.require("client_assertion_type")
        if kind != ASSERTION_TYPE:
            raise EntraError(
                errors.UNSUPPORTED_PARAMETER_VALUE, parameter="client_assertion_type", value=kind
            )
        verify_assertion(assertion, application, now_seconds)
    else:
        raise EntraError(errors.NO_CLIENT_AUTHENTICATION)
    return application


def _check_secret(secret: str, application: Application) -> None:
    given = secret.encode()
    if not any(hmac.compare_digest(given, known.encode()) for known in application.secrets):
        raise EntraError(errors.WRONG_SECRET, client_id=application.client_id)


def _parse_basic(header: str | None) -> _Basic | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise EntraError(errors.MALFORMED_REQUEST, what="the Authorization header") from None
    if not colon:
        raise EntraError(errors.MALFORMED_REQUEST, what="the Authorization header")
    return _Basic(unquote_plus(client_id), unquote_plus(secret))  # RFC 6749 section 2.3.1
