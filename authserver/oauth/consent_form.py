"""The validated request on its way through the consent page.

Called by ``web.authorize`` (``seal``) and ``web.consent`` (``unseal``). Nothing is stored before the person
has decided, and no approval is remembered.
"""

from typing import Final

from pydantic import TypeAdapter

from authserver.cipher import Cipher
from authserver.model import AuthorizationRequest, Clock
from authserver.oauth.browser_form import BrowserForms

_REQUEST: Final = TypeAdapter(AuthorizationRequest)


class ConsentForms(BrowserForms[AuthorizationRequest]):
    """Args: cipher: whose key seals; clock: seconds since 1970; lifetime_seconds: how long a page may stay
    open.
    """

    def __init__(self, cipher: Cipher, clock: Clock, lifetime_seconds: int) -> None:
        super().__init__(cipher, "consent-form", _REQUEST, clock, lifetime_seconds)
