"""The emulator's two Flask applications: the login page (http) and the back channel (https).

Made by ``emulator``. The views parse, call ``login`` or ``token``, and render; they decide nothing.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

import gevent
from flask import Flask, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from devstack.entra.directory import SHARED_SEGMENTS, Directory
from devstack.entra.errors import EntraError, EntraPageError, unknown_tenant
from devstack.entra.faults import Faults
from devstack.entra.grants import Grants
from devstack.entra.login import Answer, AuthorizeRequest, LoginEndpoint
from devstack.entra.signing import TokenSigner
from devstack.entra.token import TokenEndpoint

_SIGNED_IN_COOKIE: Final = "emulator_signed_in"
_FORM_COOKIE: Final = "emulator_form"
_MOST_BODY_BYTES: Final = 256 * 1024
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two halves are: origins without a trailing slash."""

    login: str
    back_channel: str


def login_app(endpoint: LoginEndpoint, directory: Directory, grants: Grants) -> Flask:
    """Return the application people see."""
    app = _app("entra_login")

    @app.get("/readyz")
    def ready() -> Response:
        return jsonify({"status": "ready"})

    @app.get("/<segment>/oauth2/v2.0/authorize")
    def show(segment: str) -> Response:
        parsed = endpoint.parse(segment, request.args)
        if isinstance(parsed, Answer):
            return _send(parsed)
        answer = endpoint.without_asking(parsed, grants.signed_in(request.cookies.get(_SIGNED_IN_COOKIE)))
        return _page(parsed, None) if answer is None else _send(answer)

    @app.post("/<segment>/oauth2/v2.0/authorize")
    def submit(segment: str) -> Response:
        parsed = endpoint.parse(segment, request.args)
        if isinstance(parsed, Answer):
            return _send(parsed)
        cookie, field = request.cookies.get(_FORM_COOKIE, ""), request.form.get("form_token", "")
        if not cookie or not hmac.compare_digest(cookie.encode(), field.encode()):
            raise EntraPageError(
                "invalid_request", 90100, "The form was not opened in this browser. Start again."
            )
        try:
            person = endpoint.sign_in(
                parsed, request.form.get("username", ""), request.form.get("password", "")
            )
        except EntraError as error:
            return _page(parsed, error)
        response = _send(endpoint.approval(parsed, person))
        signed_in = grants.sign_in_browser(person)
        response.set_cookie(_SIGNED_IN_COOKIE, signed_in, httponly=True, samesite="Lax")
        return response

    def _page(parsed: AuthorizeRequest, error: EntraError | None) -> Response:
        token = request.cookies.get(_FORM_COOKIE) or secrets.token_urlsafe(24)
        username = request.form.get("username", parsed.login_hint or "")
        response = make_response(
            render_template(
                "login.html",
                application=parsed.application_name,
                people=directory.people,
                username=username[:320],
                form_token=token,
                error=f"AADSTS{error.number}: {error.text}" if error else None,
            ),
            400 if error else 200,
            _PAGE_HEADERS,
        )
        response.set_cookie(_FORM_COOKIE, token, httponly=True, samesite="Lax")
        return response

    @app.errorhandler(EntraError)
    def page(error: EntraError) -> Response:
        text = f"AADSTS{error.number}: {error.text}"
        return make_response(render_template("error.html", text=text), error.status, _PAGE_HEADERS)

    return app


def back_channel_app(
    token: TokenEndpoint, signer: TokenSigner, directory: Directory, faults: Faults, addresses: Addresses
) -> Flask:
    """Return the application that servers talk to."""
    app = _app("entra_back_channel")

    @app.before_request
    def strike() -> Response | None:
        if request.path.startswith("/_emulator/"):
            return None
        slow = faults.strikes("slow")
        if slow is not None:
            gevent.sleep(slow.seconds)
        return make_response("Service Unavailable", 503) if faults.strikes("down") else None

    @app.get("/<segment>/v2.0/.well-known/openid-configuration")
    def discovery(segment: str) -> Response:
        return jsonify(_discovery(_checked(segment), addresses))

    @app.get("/<segment>/discovery/v2.0/keys")
    def keys(segment: str) -> Response:
        _checked(segment)
        return jsonify(signer.jwks())

    @app.post("/<segment>/oauth2/v2.0/token")
    def tokens(segment: str) -> Response:
        response = jsonify(token.answer(segment, request.form))
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.post("/_emulator/faults")
    def set_fault() -> Response:
        sent = request.get_json()
        try:
            faults.set(
                str(sent["kind"]),
                username=sent.get("username"),
                seconds=float(sent.get("seconds", 0)),
                times=sent.get("times"),
            )
        except (KeyError, TypeError, ValueError) as error:
            return make_response(jsonify({"error": str(error)}), 400)
        return make_response("", 204)

    @app.delete("/_emulator/faults")
    def clear_faults() -> Response:
        faults.clear()
        return make_response("", 204)

    def _checked(segment: str) -> str:
        tenant = directory.tenant(segment)
        if tenant is None and segment not in SHARED_SEGMENTS:
            raise unknown_tenant(segment)
        return segment if tenant is None else tenant.id

    @app.errorhandler(EntraError)
    def refused(error: EntraError) -> Response:
        return make_response(jsonify(error.body()), error.status, {"Cache-Control": "no-store"})

    @app.errorhandler(HTTPException)
    def unknown(error: HTTPException) -> Response:
        body = EntraError("invalid_request", 900561, "The endpoint does not accept this request.").body()
        return make_response(jsonify(body), error.code or 400)

    return app


def _app(name: str) -> Flask:
    app = Flask(name, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BODY_BYTES
    app.jinja_loader = Flask(__name__).jinja_loader
    return app


def _send(answer: Answer) -> Response:
    if answer.response_mode == "form_post":
        page = render_template("form_post.html", action=answer.redirect_uri, fields=answer.parameters)
        return make_response(page, 200, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    response = make_response(redirect(answer.location, 302))
    response.headers["Cache-Control"] = "no-store"
    return response


def _discovery(segment: str, addresses: Addresses) -> dict[str, Any]:
    base = f"{addresses.back_channel}/{segment}"
    # The issuer of the shared paths is a template; each id_token's names its own tenant.
    issuer_tenant = "{tenantid}" if segment in ("organizations", "common") else segment
    return {
        "issuer": f"{addresses.back_channel}/{issuer_tenant}/v2.0",
        "authorization_endpoint": f"{addresses.login}/{segment}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_modes_supported": ["query", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "nonce", "name", "tid", "ver"),
            *("preferred_username", "oid", "email"),
        ],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
    }
