"""GET /callback: the person is back from Entra. Same browser, same login, a proven identity, an allowed
tenant: a code.

The code is issued for the stored request; nothing but Entra's answer is taken from this one. The login is
taken from the store first, so that a callback works once, whatever comes of it.
"""

import hmac
import logging

from authserver.cipher import digest
from authserver.errors import PageError, RedirectableError, UpstreamUnavailable
from authserver.metrics import SIGN_INS
from authserver.model import Identity, Login
from authserver.oauth.authorization_response import proven, success_url
from authserver.oauth.codes import CodeIssuer
from authserver.oauth.parameters import MalformedParameters, Parameters, parse_parameters
from authserver.store.protocols import LoginStore
from authserver.upstream.broker import SignInBroker
from authserver.upstream.errors import LoginDenied, LoginUnproven
from authserver.upstream.tenants import TenantPolicy, TenantRefused
from authserver.web.cookies import Cookies
from authserver.web.http import HttpRequest, Reply
from authserver.web.responses import redirect
from telemetry.audit import audit

_log = logging.getLogger(__name__)


class CallbackEndpoint:
    """Args: logins: store; broker: Entra; tenants: who may; codes: issues; cookies; issuer: for RFC 9207."""

    name = "callback"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = False
    cross_origin = False

    def __init__(
        self,
        logins: LoginStore,
        broker: SignInBroker,
        tenants: TenantPolicy,
        codes: CodeIssuer,
        cookies: Cookies,
        *,
        issuer: str,
    ) -> None:
        self._logins = logins
        self._broker = broker
        self._tenants = tenants
        self._codes = codes
        self._cookies = cookies
        self._issuer = issuer

    def handle(self, request: HttpRequest, /) -> Reply:
        """Finish the sign-in and send the browser back to the client."""
        answer = _parse(request)
        state = answer.one("state")
        if state is None:
            raise PageError("invalid_request", "the answer of the sign-in service is incomplete")
        login = self._logins.take_login(digest(state))
        if login is None:
            raise PageError("invalid_request", "this sign-in took too long or was already completed")
        cookie_name = self._cookies.login_name(state)
        _check_browser(login, request.cookies.get(cookie_name))
        identity = self._identify(login, answer)
        code = self._codes.issue(login.request, identity)
        SIGN_INS.labels("succeeded").inc()
        return redirect(success_url(login.request, code, self._issuer)).with_headers(
            self._cookies.clear(cookie_name)
        )

    def _identify(self, login: Login, answer: Parameters) -> Identity:
        target, client_id = proven(login.request), login.request.client_id
        try:
            identity = self._broker.finish(login.upstream_flow, answer.values)
            self._tenants.check(identity.tid)
        except LoginUnproven as error:
            _refused("unproven", client_id)
            raise PageError(
                "invalid_request", "who signed in could not be verified", private_detail=str(error)
            ) from None
        except LoginDenied as error:
            _refused("denied", client_id)
            raise RedirectableError(
                target, error.code, "the sign-in was not completed", private_detail=error.private_detail
            ) from None
        except TenantRefused as error:
            _refused("tenant", client_id, tid=identity.tid, oid=identity.oid)
            raise RedirectableError(
                target, "access_denied", error.description, private_detail=str(error)
            ) from None
        except UpstreamUnavailable as error:
            _log.error("callback: %s", error.private_detail)
            SIGN_INS.labels("unavailable").inc()
            raise RedirectableError(
                target, "temporarily_unavailable", "the sign-in service does not answer"
            ) from None
        return identity


def _check_browser(login: Login, cookie: str | None) -> None:
    if cookie is None or not hmac.compare_digest(digest(cookie), login.browser_binding_hash):
        _refused("browser", login.request.client_id)
        raise PageError(
            "access_denied",
            "this sign-in was started in another browser, or this browser refuses cookies",
        )


def _refused(reason: str, client_id: str, **fields: str) -> None:
    SIGN_INS.labels(reason).inc()
    audit("login.refused", reason=reason, client_id=client_id, **fields)


def _parse(request: HttpRequest) -> Parameters:
    try:
        answer = parse_parameters(request.query)
    except MalformedParameters as error:
        raise PageError("invalid_request", str(error)) from None
    if answer.doubled:
        raise PageError("invalid_request", "the answer of the sign-in service is malformed")
    return answer
