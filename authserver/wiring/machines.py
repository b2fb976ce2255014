"""The wiring of what programs use without a person: verifiers of assertions, and the introspection endpoint.

Called by ``parts`` and ``app``. Must not decide anything about OAuth, and must not connect to anything: keys
are fetched when the first assertion comes.
"""

from collections.abc import Callable

import requests

from authserver.model import Clock
from authserver.oauth.grants.grant import Assertions
from authserver.settings import Settings
from authserver.store.protocols import OnceStore
from authserver.upstream.api_token import ApiApplication, EntraApiTokens
from authserver.upstream.http import EntraSession
from authserver.upstream.identity_assertion import IdentityAssertions

# Returns the HTTP session for a URL; tests have their own.
Connect = Callable[[str], requests.Session]


def make_assertions(
    settings: Settings, once: OnceStore, clock: Clock, connect: Connect | None = None
) -> Assertions:
    """Return what assertions are verified with.

    Args:
        settings: which of them are accepted.
        once: remembers what was spent.
        clock: seconds since 1970.
        connect: instead of HTTP.
    """
    return Assertions(
        _api_tokens(settings, clock, connect) if settings.api_client_id else None,
        IdentityAssertions(
            settings.identity_assertion_issuers,
            settings.public_url,
            connect or (lambda url: EntraSession(url, settings.identity_assertion_ca_file)),
            clock,
        ),
        once,
    )


def _api_tokens(settings: Settings, clock: Clock, connect: Connect | None) -> EntraApiTokens:
    authority, ca_file = settings.entra_authority, settings.entra_ca_file
    return EntraApiTokens(
        ApiApplication(settings.api_client_id, settings.api_scope, authority),
        connect(authority) if connect else EntraSession(authority, ca_file),
        clock,
    )
