"""The way to Entra: the login is stored and, immediately before the redirect, its state cookie is set.

Called by the endpoints at which a person agreed to sign in, and by nothing else: a callback without that
cookie comes from a browser in which nobody agreed to anything.
"""

import secrets

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
    ) -> Reply:
        """Send the browser to Entra; what comes back is for the purpose's arrival.

        Raises:
            UpstreamUnavailable: Entra does not answer; nothing was stored.
        """
        departure = self._broker.start(hints)
        binding = secrets.token_urlsafe(32)
        login = Login(
            request=request,
            upstream_flow=departure.flow,
            browser_binding_hash=digest(binding),
            created_at_seconds=int(self._clock()),
            purpose=purpose,
            user_code_hash=user_code_hash,
        )
        self._logins.put_login(digest(departure.state), login, self._lifetime_seconds)
        cookie = self._cookies.set(self._cookies.login_name(departure.state), binding, self._lifetime_seconds)
        return redirect(departure.url).with_headers(cookie)
