"""The answer of the authorization endpoint: where the browser is sent, with code or error, state and iss.

Called by ``web.consent``, ``web.callback`` and ``web.responses``. RFC 9207 2: ``iss`` is on every answer,
success and error alike. Must not be given a redirect URI that was not proven.
"""

from authserver.errors import ProvenRedirect, RedirectableError
from authserver.model import AuthorizationRequest
from authserver.oauth.redirect_uris import with_params


def success_url(request: AuthorizationRequest, code: str, issuer: str) -> str:
    """Return where a granted request leads (RFC 6749 4.1.2)."""
    return _answer(proven(request), [("code", code)], issuer)


def error_url(error: RedirectableError, issuer: str) -> str:
    """Return where a refused request leads (RFC 6749 4.1.2.1)."""
    return _answer(error.target, [("error", error.code), ("error_description", error.description)], issuer)


def proven(request: AuthorizationRequest) -> ProvenRedirect:
    """Return the target that was proven when the request was validated and was sealed or stored since."""
    return ProvenRedirect(request.redirect_uri, request.state)


def _answer(target: ProvenRedirect, params: list[tuple[str, str]], issuer: str) -> str:
    if target.state is not None:
        params.append(("state", target.state))
    return with_params(target.redirect_uri, [*params, ("iss", issuer)])
