"""Authorization codes: made for the request that was approved and the person who signed in for it.

Called by ``web.callback``. The request is the stored one: nothing that came with the callback has a part in
it.
"""

from authserver.cipher import digest
from authserver.model import AuthorizationCode, AuthorizationRequest, Clock, SignedIn
from authserver.oauth.vault import Vault
from authserver.store.protocols import CodeStore
from authserver.tokens import new_code, new_sid
from telemetry.audit import audit


class CodeIssuer:
    """Args: store: keeps codes by digest; vault; clock; lifetime_seconds: of a code (RFC 6749 4.1.2)."""

    def __init__(self, store: CodeStore, vault: Vault, clock: Clock, lifetime_seconds: int) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds

    def issue(self, request: AuthorizationRequest, signed_in: SignedIn) -> str:
        """Return a new code."""
        identity = signed_in.identity
        value, sid = new_code(), new_sid()
        code = AuthorizationCode(request, identity, sid, request.client_id, int(self._clock()))
        self._vault.put(sid, signed_in.refresh_token)
        self._store.put_code(digest(value), code, self._lifetime_seconds)
        audit("login.succeeded", client_id=request.client_id, sid=sid, tid=identity.tid, oid=identity.oid)
        return value
