"""What the rest of the server may ask of a store: narrow protocols, whose verbs are atomic where they say so.

Implemented whole by ``sqlite.SqliteStore`` and ``redis.RedisStore``; users name only the protocol they
need. Whatever is looked up by a secret is looked up by its ``cipher.digest``. Every verb raises
StoreUnavailable when the store cannot answer; a verb that changes something and returns has made it
durable. What has expired is absent.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from authserver.model import AuthorizationCode, Client, Login, Session, SigningKeyRecord
from authserver.store.family import RotateOutcome, Rotation

# The kind of record that holds what Entra gave for a session, under its sid; it goes when the session ends.
VAULT: Final = "vault"


@dataclass(frozen=True, slots=True)
class CodeReplay:
    """The code was taken before; ``sid`` names the session that its first presentation opened or will
    open.
    """

    sid: str


class ClientStore(Protocol):
    """Registrations. One in use never expires: 90 days from the last ``touch_client``; operators' never
    do.
    """

    def add_client(self, client: Client) -> None:
        """Add a registration, or replace the one of the same client_id."""

    def get_client(self, client_id: str) -> Client | None:
        """Return the registration."""

    def update_client(self, client: Client) -> bool:
        """Atomic: replace the registration if it is there, which counts as a use; say whether it was."""

    def touch_client(self, client_id: str) -> None:
        """Say that the registration is in use. Cheap to call each time: written at most once a day."""

    def remove_client(self, client_id: str) -> bool:
        """Remove the registration; say whether there was one."""

    def list_clients(self) -> list[Client]:
        """Return all registrations, oldest first. Reads everything: for people, not for requests."""


class LoginStore(Protocol):
    """People on the way to Entra and back, under the digest of the state."""

    def put_login(self, state_hash: str, login: Login, lifetime_seconds: int) -> None:
        """Keep the login, encrypted."""

    def take_login(self, state_hash: str) -> Login | None:
        """Atomic: return the login to one caller and to no other."""


class CodeStore(Protocol):
    """Authorization codes, under the digest of the code."""

    def put_code(self, code_hash: str, code: AuthorizationCode, lifetime_seconds: int) -> None:
        """Keep the code."""

    def look_at_code(self, code_hash: str) -> AuthorizationCode | CodeReplay | None:
        """Return what ``take_code`` would, and leave the code as it is: nothing may be issued for it."""

    def take_code(self, code_hash: str) -> AuthorizationCode | CodeReplay | None:
        """Atomic: return the code to its first presentation, CodeReplay to any later one (RFC 6749
        §4.1.2).
        """


class SessionStore(Protocol):
    """Sessions and their refresh token families, under the sid; states and their changes: ``family``."""

    def open_session(self, session: Session) -> bool:
        """Atomic: keep a new session; False when its sid has one.

        A sid that was ended before is kept as ended: of parallel redemptions of a code exactly one gets an
        answer with tokens, and what it got is revoked by the others, whichever of them was quicker.
        """

    def get_session(self, sid: str) -> Session | None:
        """Return the session, also an ended one while it is remembered; None for a sid ended before it
        was opened.
        """

    def rotate(self, wish: Rotation) -> RotateOutcome:
        """Atomic: spend the presented refresh token and put its successor in place."""

    def end_session(self, sid: str, reason: str) -> bool:
        """End the session, also one that is not opened yet; say whether this call did it. The first
        reason stays. Entra's tokens for it (the record of kind ``VAULT``) are removed.
        """

    def sessions_of(self, tid: str, oid: str) -> list[Session]:
        """Return the active sessions of one person, oldest first."""

    def list_sessions(self, *, limit: int = 1000) -> list[Session]:
        """Return active sessions, the newest first. Reads everything: for people, not for requests."""

    def ended_since(self, since_seconds: int) -> list[tuple[str, int]]:
        """Return what ended at that second or later, in order: sid and when; also sids that were never
        opened.

        What an interrupted call meant to end may be named too; what was acknowledged as ended always is.
        """


class KeyStore(Protocol):
    """Signing keys; who may add which is decided by generation."""

    def add_key_once(self, key: SigningKeyRecord) -> bool:
        """Atomic: keep the key unless its generation is taken; say whether it was kept."""

    def list_keys(self) -> list[SigningKeyRecord]:
        """Return the keys, oldest generation first."""

    def swap_key(self, seen: SigningKeyRecord, key: SigningKeyRecord) -> bool:
        """Atomic: put a record in place of the one that was seen, of the same generation; False when that
        changed or is gone.
        """

    def remove_key(self, generation: int) -> None:
        """Forget a key that verifies nothing any more; the last generation is never removed by anybody."""


class OnceStore(Protocol):
    """Things that may happen once: a jti, a nonce."""

    def add_once(self, namespace: str, key: str, lifetime_seconds: int) -> bool:
        """Atomic: True for the first caller within the lifetime, False for all others."""


class RecordStore(Protocol):
    """Small texts under a name, by kind; narrow typed users of it live beside whoever needs them.

    A kind is a constant of the code, a text is never empty. Names sort by their bytes. An expiry is a time,
    ``lifetimes.NEVER_SECONDS`` for none.
    """

    def put_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> None:
        """Keep the text, in place of any other."""

    def get_record(self, kind: str, name: str) -> str | None:
        """Return the text."""

    def add_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> bool:
        """Atomic: keep the text unless the name has one; say whether it was kept."""

    def swap_record(self, kind: str, name: str, seen: str, text: str, expires_at_seconds: int) -> bool:
        """Atomic: put the text in place of what was seen; False when that is not there any more."""

    def take_record(self, kind: str, name: str) -> str | None:
        """Atomic: remove the text and return it to one caller and to no other."""

    def remove_record(self, kind: str, name: str) -> bool:
        """Remove the text; say whether there was one."""

    def list_records(self, kind: str, *, from_name: str = "", limit: int = 1000) -> list[tuple[str, str]]:
        """Return names and texts by name, from that name (included) on."""


class Store(ClientStore, LoginStore, CodeStore, SessionStore, KeyStore, OnceStore, RecordStore, Protocol):
    """All of it, as a backend implements it."""

    def check(self) -> None:
        """Return when the store answers and is durable; raise StoreUnavailable otherwise (for /readyz,
        doctor).
        """

    def close(self) -> None:
        """Let go of connections; the store opens new ones when it is used again."""
