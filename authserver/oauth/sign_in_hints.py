"""What a client says about the sign-in it wants: who, from where, how fresh, with which questions (OpenID
Connect Core 3.1.2.1).

Called by ``oauth.authorization``. Hints are passed on to Entra as they are or left out; what would be a
promise (``max_age``, ``prompt=none``) is kept or refused.
"""

import re
from typing import Final

from authserver.errors import ProvenRedirect, RedirectableError
from authserver.model import SignInHints
from authserver.oauth.parameters import Parameters

_MAX_LOGIN_HINT_CHARACTERS: Final = 320
# A domain, or one of Entra's words: organizations, consumers.
_DOMAIN_HINT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
# A century and more, in seconds: whatever is longer means the same and overflows nothing.
_MAX_AGE: Final = re.compile(r"[0-9]{1,10}")


def parse_hints(sent: Parameters, target: ProvenRedirect) -> SignInHints:
    """Return the hints.

    Raises:
        RedirectableError: consent_required for prompt=none, invalid_request for what makes no sense.
    """
    prompts = (sent.one("prompt") or "").split()
    if "none" in prompts:
        if len(prompts) > 1:
            raise RedirectableError(target, "invalid_request", "prompt none goes with no other value")
        # No approval is remembered, so there is never one to be silent about (OpenID Connect Core 3.1.2.6).
        raise RedirectableError(target, "consent_required", "this server always asks the person")
    max_age = sent.one("max_age")
    if max_age is not None and not _MAX_AGE.fullmatch(max_age):
        raise RedirectableError(target, "invalid_request", "max_age must be a number of seconds")
    login_hint, domain_hint = sent.one("login_hint"), sent.one("domain_hint")
    is_address = login_hint is not None and len(login_hint) <= _MAX_LOGIN_HINT_CHARACTERS
    is_domain = domain_hint is not None and _DOMAIN_HINT.fullmatch(domain_hint) is not None
    return SignInHints(
        login_hint=login_hint if is_address else None,
        domain_hint=domain_hint if is_domain else None,
        max_age_seconds=None if max_age is None else int(max_age),
        # consent and select_account are what happens anyhow; values of other providers mean nothing here.
        prompt="login" if "login" in prompts else None,
    )
