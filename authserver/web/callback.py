"""GET /callback: back from Entra. Same browser, same login, a proven identity, an allowed tenant.

What becomes of them depends on why they were sent (``Login.purpose``): each purpose has an ``Arrival``, and
that of an authorization request, which gets its code, stands here. Nothing but Entra's answer is taken from
this request. The login is taken from the store first, so that a callback works once, whatever comes of it.
"""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from authserver.cipher import digest
from authserver.errors import NotAdmitted, PageError, RedirectableError, RequestError, UpstreamUnavailable
from authserver.metrics import SIGN_INS
from authserver.model import Login, LoginPurpose, SignedIn
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
from telemetry import tracing
from telemetry.audit import audit

_log = logging.getLogger(__name__)


class Arrival(Protocol):
    """What happens to somebody who came back from Entra and whose identity is proven."""

    def arrive(self, login: Login, signed_in: SignedIn) -> Reply:
        """Answer the browser; what goes wrong is raised."""


class AuthorizationArrival:
    """Back to the client, with a code for the request that was stored.

    Args:
        tenants: know which of the scopes somebody holds.
        codes: issues the code.
        issuer: for RFC 9207.
    """

    def __init__(self, tenants: TenantPolicy, codes: CodeIssuer, issuer: str) -> None:
        self._tenants = tenants
        self._codes = codes
        self._issuer = issuer

    def arrive(self, login: Login, signed_in: SignedIn) -> Reply:
        """Issue the code and send the browser to the client."""
        request, identity = login.request, signed_in.identity
        if request is None:
            raise PageError("invalid_request", "this sign-in was not started by an application")
        scopes = self._tenants.admitted(identity, request.scopes)
        if not scopes:
            _refused("scopes", login, tid=identity.tid, oid=identity.oid)
            raise RedirectableError(
                proven(request), "access_denied", "this account may do nothing of what was asked for"
            )
        # What is not held is left out; the token response says what is granted (RFC 6749 3.3).
        code = self._codes.issue(replace(request, scopes=scopes), signed_in)
        return redirect(success_url(request, code, self._issuer))


class ConsentAnswer(Protocol):
    """What happens to an administrator who comes back from Entra's consent page, which proves nothing."""

    def arrive(self, login: Login, answer: Parameters) -> Reply:
        """Answer the browser; what goes wrong is raised."""


class CallbackEndpoint:
    """Args: logins: store; broker: Entra; tenants: who may; cookies; arrivals: one for each purpose; consent:
    for those who did not sign in but consented.
    """

    name = "callback"
    methods: tuple[str, ...] = ("GET",)
    speaks_json = False
    cross_origin = False

    def __init__(
        self,
        logins: LoginStore,
        broker: SignInBroker,
        tenants: TenantPolicy,
        cookies: Cookies,
        *,
        arrivals: Mapping[LoginPurpose, Arrival],
        consent: ConsentAnswer,
    ) -> None:
        self._logins = logins
        self._broker = broker
        self._tenants = tenants
        self._cookies = cookies
        self._arrivals = arrivals
        self._consent = consent

    def handle(self, request: HttpRequest, /) -> Reply:
        """Finish the sign-in and go on with what it was for."""
        answer = _parse(request)
        state = answer.one("state")
        if state is None:
            raise PageError("invalid_request", "the answer of the sign-in service is incomplete")
        login = self._logins.take_login(digest(state))
        if login is None:
            raise PageError("invalid_request", "this sign-in took too long or was already completed")
        tracing.continue_from(login.request.trace if login.request is not None else None, rather=True)
        cookie_name = self._cookies.login_name(state)
        _check_browser(login, request.cookies.get(cookie_name))
        clear_cookie = self._cookies.clear(cookie_name)
        if login.purpose == "admin-consent":
            return self._consent.arrive(login, answer).with_headers(clear_cookie)
        signed_in = self._identify(login, answer)
        try:
            if login.purpose != "onboarding":
                self._tenants.check(signed_in.identity.tid)
            reply = self._arrivals[login.purpose].arrive(login, signed_in)
        except TenantRefused as error:
            raise _not_admitted(login, signed_in, error) from None
        SIGN_INS.labels("succeeded").inc()
        return reply.with_headers(clear_cookie)

    def _identify(self, login: Login, answer: Parameters) -> SignedIn:
        try:
            return self._broker.finish(login.upstream_flow, answer.values)
        except LoginUnproven as error:
            _refused("unproven", login)
            raise PageError(
                "invalid_request", "who signed in could not be verified", private_detail=str(error)
            ) from None
        except LoginDenied as error:
            _refused("denied", login)
            raise _turned_away(
                login, error.code, "the sign-in was not completed", error.private_detail
            ) from None
        except UpstreamUnavailable as error:
            _log.error("callback: %s", error.private_detail)
            SIGN_INS.labels("unavailable").inc()
            if login.request is None:
                raise
            raise RedirectableError(
                proven(login.request), "temporarily_unavailable", "the sign-in service does not answer"
            ) from None


def _turned_away(login: Login, code: str, description: str, private_detail: str) -> RequestError:
    if login.request is None:
        return PageError("access_denied", description, private_detail=private_detail)
    return RedirectableError(proven(login.request), code, description, private_detail=private_detail)


def _not_admitted(login: Login, signed_in: SignedIn, error: TenantRefused) -> NotAdmitted:
    identity = signed_in.identity
    _refused(error.reason, login, tid=identity.tid, oid=identity.oid)
    target = None if login.request is None else proven(login.request)
    return NotAdmitted(error.description, tid=identity.tid, target=target, private_detail=str(error))


def _check_browser(login: Login, cookie: str | None) -> None:
    if cookie is None or not hmac.compare_digest(digest(cookie), login.browser_binding_hash):
        _refused("browser", login)
        raise PageError(
            "access_denied",
            "this sign-in was started in another browser, or this browser refuses cookies",
        )


def _refused(reason: str, login: Login, **fields: str) -> None:
    SIGN_INS.labels(reason).inc()
    client_id = login.request.client_id if login.request else None
    audit("login.refused", reason=reason, purpose=login.purpose, client_id=client_id, **fields)


def _parse(request: HttpRequest) -> Parameters:
    try:
        answer = parse_parameters(request.query)
    except MalformedParameters as error:
        raise PageError("invalid_request", str(error)) from None
    if answer.doubled:
        raise PageError("invalid_request", "the answer of the sign-in service is malformed")
    return answer
