"""The way to Entra: the login is stored and, immediately before the redirect, its state cookie is set.

Called by the endpoints at which a person agreed to sign in, and by nothing else: a callback without that
cookie comes from a browser in which nobody agreed to anything.
"""

import secrets
from dataclasses import replace

from authserver.cipher import digest
from authserver.model import AuthorizationRequest, Clock, Login, LoginPurpose, SignInHints
from authserver.store.protocols import LoginStore
from authserver.upstream.broker import SignInBroker
from authserver.web.cookies import Cookies
from authserver.web.http import Reply
from authserver.web.responses import redirect


class Departures:
    """Args: broker: Entra; logins: store; cookies; clock; lifetime_seconds: of a login."""

    def __init__(
        self,
        broker: SignInBroker,
        logins: LoginStore,
        cookies: Cookies,
        clock: Clock,
        lifetime_seconds: int,
    ) -> None:
        self._broker = broker
        self._logins = logins
        self._cookies = cookies
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds

    def depart(
        self,
        purpose: LoginPurpose,
        hints: SignInHints,
        *,
        request: AuthorizationRequest | None = None,
        user_code_hash: str | None = None,
        invitation_hash: str | None = None,
        unverified_tid: str | None = None,
    ) -> Reply:
        """Send the browser to Entra; what comes back is for the purpose's arrival.

        Raises:
            UpstreamUnavailable: Entra does not answer; nothing was stored.
        """
        departure = self._broker.start(hints)
        login = Login(
            request=request,
            upstream_flow=departure.flow,
            browser_binding_hash="",
            created_at_seconds=int(self._clock()),
            purpose=purpose,
            user_code_hash=user_code_hash,
            invitation_hash=invitation_hash,
            unverified_tid=unverified_tid,
        )
        return self._leave(departure.url, departure.state, login)

    def seek_consent(self, invitation_hash: str) -> Reply:
        """Send an administrator of another organization to Entra's consent page.

        Raises:
            UpstreamUnavailable: Entra does not answer; nothing was stored.
        """
        state = secrets.token_urlsafe(32)
        url = self._broker.admin_consent_url(state)
        now_seconds = int(self._clock())
        login = Login(None, {}, "", now_seconds, "admin-consent", invitation_hash=invitation_hash)
        return self._leave(url, state, login)

    def _leave(self, url: str, state: str, login: Login) -> Reply:
        binding = secrets.token_urlsafe(32)
        bound = replace(login, browser_binding_hash=digest(binding))
        self._logins.put_login(digest(state), bound, self._lifetime_seconds)
        cookie = self._cookies.set(self._cookies.login_name(state), binding, self._lifetime_seconds)
        return redirect(url).with_headers(cookie)
