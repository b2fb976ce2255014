"""Client authentication at the token endpoint: a secret (in the form or as HTTP Basic) or a client assertion.

Called by ``grants``. Must not say which part of the credentials was wrong beyond what Entra says.
"""

import base64
import hmac
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_plus

from devstack.entra import certificates, errors
from devstack.entra.directory import Application, Directory
from devstack.entra.errors import EntraError
from devstack.entra.federation import ASSERTION_TYPE, unverified_claims, verify_assertion
from devstack.entra.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for tokens, and how that was proven.

    Attributes:
        application: the registration.
        method: the ``azpacr`` of its tokens: 0 nothing (public), 1 a secret, 2 an assertion.
    """

    application: Application
    method: Literal["0", "1", "2"]


@dataclass(frozen=True, slots=True)
class _Basic:
    client_id: str
    secret: str


def authenticate(
    parameters: Parameters,
    authorization_header: str | None,
    directory: Directory,
    audiences: tuple[str, ...],
    now_seconds: float,
) -> Client:
    """Return the application that the request proves to come from.

    Args:
        parameters: the form.
        authorization_header: of the request.
        directory: the emulator's.
        audiences: what an assertion of the application's own may be addressed to.
        now_seconds: since 1970.

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
    if application.is_public:
        if secret is not None or assertion is not None:
            raise EntraError(errors.PUBLIC_CLIENT)
        return Client(application, "0")
    if secret is not None:
        _check_secret(secret, application)
        return Client(application, "1")
    if assertion is None:
        raise EntraError(errors.NO_CLIENT_AUTHENTICATION)
    kind = parameters.require("client_assertion_type")
    if kind != ASSERTION_TYPE:
        raise EntraError(errors.UNSUPPORTED_PARAMETER_VALUE, parameter="client_assertion_type", value=kind)
    if unverified_claims(assertion).get("iss") == application.client_id:
        certificates.verify_assertion(assertion, application, audiences, now_seconds)
    else:
        verify_assertion(assertion, application, now_seconds)
    return Client(application, "2")


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
