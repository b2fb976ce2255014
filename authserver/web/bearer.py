"""Bearer tokens that manage something (RFC 6750): read from the Authorization header, challenged for when
they are missing or wrong.

Called by the endpoints of registrations. Must not read them from anywhere else: a token in a URL ends up in
logs.
"""

from authserver.web.http import HttpRefusal, HttpRequest


def bearer_token(request: HttpRequest) -> str | None:
    """Return the token; None when there is none."""
    scheme, _, token = (request.authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def unauthorized(request: HttpRequest, description: str) -> HttpRefusal:
    """Return the challenge; without an error code where nothing was presented (RFC 6750 3.1)."""
    challenge = "Bearer" if bearer_token(request) is None else 'Bearer error="invalid_token"'
    return HttpRefusal(401, "invalid_token", description, (("WWW-Authenticate", challenge),))
