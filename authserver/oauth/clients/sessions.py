"""The sessions of one client: which they are, so that they end with it.

``note`` is called by the grants when a session opens for a client that registered itself (RFC 7592 lets it
remove itself, and whoever asks must not make this server read every session there is); ``end_all`` when a
registration is removed.
"""

from typing import Final

from authserver.model import Client, Session
from authserver.store.protocols import RecordStore, SessionStore

_KIND: Final = "client-session"
_PAGE: Final = 200
_EVERYBODY: Final = 1_000_000


class ClientSessions:
    """Args: sessions: what is ended; records: which session is whose."""

    def __init__(self, sessions: SessionStore, records: RecordStore) -> None:
        self._sessions = sessions
        self._records = records

    def note(self, client: Client, session: Session) -> None:
        """Remember whose session this is; call it before the session opens."""
        if client.registration_token_hash is not None:
            expires_at_seconds = session.absolute_expiry_seconds
            self._records.put_record(_KIND, _name(client.client_id, session.sid), "1", expires_at_seconds)

    def end_all(self, client_id: str) -> int:
        """End the sessions that were noted for a client; return how many were still open."""
        ended = 0
        prefix = _name(client_id, "")
        while True:
            page = self._records.list_records(_KIND, from_name=prefix, limit=_PAGE)
            mine = [name for name, _ in page if name.startswith(prefix)]
            for name in mine:
                ended += self._sessions.end_session(name.removeprefix(prefix), "client_removed")
                self._records.remove_record(_KIND, name)
            if len(mine) < _PAGE:
                return ended

    def end_each(self, client_id: str) -> int:
        """End every session of a client, also one that was never noted. Reads everything: for operators."""
        found = [s for s in self._sessions.list_sessions(limit=_EVERYBODY) if s.client_id == client_id]
        return sum(self._sessions.end_session(session.sid, "client_removed") for session in found)


def _name(client_id: str, sid: str) -> str:
    # Ids made here are base64url: nothing in them is a space.
    return f"{client_id} {sid}"
