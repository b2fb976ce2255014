"""The store in one SQLite file: the default, for one machine with any number of worker processes.

Made by ``store.open_store``; used through the protocols. How the file is shared: ``sqlite_file``; what the
statements say: ``sqlite_schema``. Must not decide anything about sessions (``family`` does). Rows that have
expired are absent to every read and are swept, a bounded bite at a time, in the transaction of some other
write.
"""

from pathlib import Path
from typing import Final

from authserver.cipher import Cipher
from authserver.model import AuthorizationCode, Client, Clock, Login, Session, SigningKeyRecord
from authserver.store import family, lifetimes, records, sessions
from authserver.store import sqlite_schema as sql
from authserver.store.protocols import CodeReplay
from authserver.store.sqlite_file import SqliteFile
from authserver.store.sqlite_group import Row, Statement
from authserver.store.touches import RecentTouches

_SWEEP_INTERVAL_SECONDS: Final = 30
_SWEEP_ROWS: Final = 200


class SqliteStore:
    """Implements ``protocols.Store``.

    Args:
        path: the file.
        clock: seconds since 1970.
        cipher: encrypts logins.
        deadline_seconds: how long an operation may wait for other processes before StoreUnavailable.
    """

    def __init__(self, path: Path, clock: Clock, cipher: Cipher, *, deadline_seconds: float = 5.0) -> None:
        self._file = SqliteFile(path, deadline_seconds)
        self._clock = clock
        self._login_sealer = cipher.sealer("login")
        self._touches = RecentTouches()
        self._sweep_at_seconds = 0

    def add_client(self, client: Client) -> None:
        """Add or replace."""
        now = self._now()
        expires_at = lifetimes.client_expiry_seconds(client, now)
        self._write((sql.PUT_CLIENT, (client.client_id, records.encode(client), now, expires_at)))
        self._touches.forget(client.client_id)

    def get_client(self, client_id: str) -> Client | None:
        """Return the registration."""
        if not client_id.isascii():  # RFC 6749 A.1: there is none
            return None
        rows = self._file.read((sql.GET_CLIENT, (client_id, self._now())))
        return records.decode_client(rows[0][0]) if rows else None

    def update_client(self, client: Client) -> bool:
        """Replace in one statement."""
        now = self._now()
        expires_at = lifetimes.client_expiry_seconds(client, now)
        return bool(
            self._write((sql.UPDATE_CLIENT, (records.encode(client), expires_at, client.client_id, now)))
        )

    def touch_client(self, client_id: str) -> None:
        """Renew the registration, at most once a day; otherwise this only reads."""
        now = self._now()
        if self._touches.is_recent(client_id, now):
            return
        rows = self._file.read((sql.CLIENT_TOUCHED_AT, (client_id, now)))
        if not rows:
            return
        touched_at, stale_at = rows[0][0], now - lifetimes.TOUCH_INTERVAL_SECONDS
        if touched_at <= stale_at:
            expires_at, touched_at = now + lifetimes.UNUSED_CLIENT_SECONDS, now
            self._write((sql.TOUCH_CLIENT, (now, expires_at, client_id, stale_at, now)))
        self._touches.remember(client_id, touched_at)

    def remove_client(self, client_id: str) -> bool:
        """Remove; an expired one was not there."""
        now = self._now()
        self._touches.forget(client_id)
        rows = self._write((sql.REMOVE_CLIENT, (client_id,)))
        return bool(rows) and rows[0][0] > now

    def list_clients(self) -> list[Client]:
        """Return all, oldest first."""
        found = [records.decode_client(row[0]) for row in self._file.read((sql.LIST_CLIENTS, (self._now(),)))]
        return sorted(found, key=lambda client: client.issued_at_seconds)

    def put_login(self, state_hash: str, login: Login, lifetime_seconds: int) -> None:
        """Keep, encrypted."""
        sealed = records.seal_login(login, self._login_sealer)
        self._write((sql.PUT_LOGIN, (state_hash, sealed, self._now() + lifetime_seconds)))

    def take_login(self, state_hash: str) -> Login | None:
        """Delete and return, in one statement."""
        now = self._now()
        rows = self._write((sql.TAKE_LOGIN, (state_hash,)))
        return records.unseal_login(rows[0][0], self._login_sealer) if rows and rows[0][1] > now else None

    def put_code(self, code_hash: str, code: AuthorizationCode, lifetime_seconds: int) -> None:
        """Keep."""
        expires_at = self._now() + lifetime_seconds
        self._write((sql.PUT_CODE, (code_hash, code.sid, records.encode(code), expires_at)))

    def look_at_code(self, code_hash: str) -> AuthorizationCode | CodeReplay | None:
        """Return the code, or the sid of one that was taken."""
        rows = self._file.read((sql.GET_CODE, (code_hash, self._now())))
        if not rows:
            return None
        sid, record, taken = rows[0]
        return CodeReplay(sid) if taken else records.decode_code(record)

    def take_code(self, code_hash: str) -> AuthorizationCode | CodeReplay | None:
        """Mark as taken, in one statement that only one caller can make; the others learn the sid."""
        now = self._now()
        rows = self._file.read((sql.GET_CODE, (code_hash, now)))
        if not rows:
            return None
        sid, record, taken = rows[0]
        remember_until = now + lifetimes.TAKEN_CODE_SECONDS
        if taken or not self._write((sql.TAKE_CODE, (remember_until, code_hash, now))):
            return CodeReplay(sid)
        return records.decode_code(record)

    def open_session(self, session: Session) -> bool:
        """Insert unless the sid is there."""
        return sessions.open_session(self, session, self._now())

    def get_session(self, sid: str) -> Session | None:
        """Return the session."""
        return sessions.session_in(self.read_cell(sid))

    def rotate(self, wish: family.Rotation) -> family.RotateOutcome:
        """One read, then one transaction that replaces exactly what was read."""
        return sessions.rotate(self, wish, self._now())

    def end_session(self, sid: str, reason: str) -> bool:
        """End, or leave a tombstone."""
        return sessions.end_session(self, sid, reason, self._now())

    def sessions_of(self, tid: str, oid: str) -> list[Session]:
        """Return one person's active sessions, oldest first."""
        now = self._now()
        found = [
            records.decode_session(row[0])
            for row in self._file.read((sql.SESSIONS_OF, (f"{tid}.{oid}", now)))
        ]
        return sorted((s for s in found if family.is_live(s, now)), key=lambda s: s.created_at_seconds)

    def list_sessions(self, *, limit: int = 1000) -> list[Session]:
        """Return active ones, the newest first."""
        rows = self._file.read((sql.LIST_SESSIONS, (self._now(), limit)))
        return [records.decode_session(row[0]) for row in rows]

    def ended_since(self, since_seconds: int) -> list[tuple[str, int]]:
        """Return what ended from then on."""
        rows = self._file.read((sql.ENDED_SINCE, (since_seconds, self._now())))
        return [(str(sid), int(ended_at)) for sid, ended_at in rows]

    def read_cell(self, sid: str) -> str | None:
        """For ``sessions``: the record's text."""
        rows = self._file.read((sql.GET_SESSION, (sid, self._now())))
        return str(rows[0][0]) if rows else None

    def swap_cell(
        self, sid: str, seen: str | None, text: str, session: Session | None, keep_until_seconds: int
    ) -> bool:
        """For ``sessions``: replace the text that was seen."""
        now = self._now()
        is_active = session is not None and session.state == "active"
        person = session.identity.subject if session is not None and is_active else None
        values = (text, person, None if is_active else now, keep_until_seconds)
        if seen is None:
            return bool(self._write((sql.ADD_SESSION, (sid, *values, now))))
        return bool(self._write((sql.SWAP_SESSION, (*values, sid, seen))))

    def add_key_once(self, key: SigningKeyRecord) -> bool:
        """Insert unless the generation is there."""
        return bool(self._write((sql.ADD_KEY, (key.generation, records.encode(key)))))

    def list_keys(self) -> list[SigningKeyRecord]:
        """Return all, oldest first."""
        return [records.decode_key(row[0]) for row in self._file.read((sql.LIST_KEYS, (0,)))]

    def swap_key(self, seen: SigningKeyRecord, key: SigningKeyRecord) -> bool:
        """Replace the text that says what was seen, in one statement."""
        rows = self._file.read((sql.GET_KEY, (seen.generation,)))
        if not rows or records.decode_key(rows[0][0]) != seen:
            return False
        return bool(self._write((sql.SWAP_KEY, (records.encode(key), seen.generation, rows[0][0]))))

    def remove_key(self, generation: int) -> None:
        """Remove unless it is the newest."""
        self._write((sql.REMOVE_KEY, (generation,)))

    def add_once(self, namespace: str, key: str, lifetime_seconds: int) -> bool:
        """Insert unless it is there and has not expired."""
        now = self._now()
        return bool(self._write((sql.ADD_ONCE, (namespace, key, now + lifetime_seconds, now))))

    def put_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> None:
        """Insert or replace."""
        self._write((sql.PUT_RECORD, (kind, name, text, expires_at_seconds)))

    def get_record(self, kind: str, name: str) -> str | None:
        """Return the text."""
        rows = self._file.read((sql.GET_RECORD, (kind, name, self._now())))
        return str(rows[0][0]) if rows else None

    def add_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> bool:
        """Insert unless it is there and has not expired."""
        return bool(self._write((sql.ADD_RECORD, (kind, name, text, expires_at_seconds, self._now()))))

    def swap_record(self, kind: str, name: str, seen: str, text: str, expires_at_seconds: int) -> bool:
        """Replace what was seen, in one statement."""
        return bool(self._write((sql.SWAP_RECORD, (text, expires_at_seconds, kind, name, seen, self._now()))))

    def take_record(self, kind: str, name: str) -> str | None:
        """Delete and return, in one statement; an expired one was not there."""
        now = self._now()
        rows = self._write((sql.TAKE_RECORD, (kind, name)))
        return str(rows[0][0]) if rows and rows[0][1] > now else None

    def remove_record(self, kind: str, name: str) -> bool:
        """Delete."""
        return self.take_record(kind, name) is not None

    def list_records(self, kind: str, *, from_name: str = "", limit: int = 1000) -> list[tuple[str, str]]:
        """Return names and texts, by name."""
        rows = self._file.read((sql.LIST_RECORDS, (kind, from_name, self._now(), limit)))
        return [(str(name), str(text)) for name, text in rows]

    def check(self) -> None:
        """Write one row: only that notices a disk that is full or read-only."""
        self._write((sql.PROBE, (self._now(),)))

    def close(self) -> None:
        """Close this process's connection."""
        self._file.close()

    def _now(self) -> int:
        return int(self._clock())

    def _write(self, statement: Statement) -> list[Row]:
        now = self._now()
        if now < self._sweep_at_seconds:
            return self._file.write(statement)[0]
        # The clock decides when, the transaction is one that is made anyway: no fsync of its own.
        self._sweep_at_seconds = now + _SWEEP_INTERVAL_SECONDS
        rows, *swept = self._file.write(statement, *((sweep, (now, _SWEEP_ROWS)) for sweep in sql.SWEEPS))
        if any(len(gone) == _SWEEP_ROWS for gone in swept):
            self._sweep_at_seconds = now
        return rows
