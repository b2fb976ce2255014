"""The store in Redis or a Redis Cluster: for more machines than one.

Made by ``store.open_store``; used through the protocols. Every verb is one command or one script on the
keys of one hash tag (``redis_layout``); what the connection demands of Redis: ``redis_link``. Must not
decide anything about sessions (``family`` does).
"""

from typing import Any

from authserver.cipher import Cipher
from authserver.model import AuthorizationCode, Client, Clock, Login, Session, SigningKeyRecord
from authserver.store import family, lifetimes, records, sessions
from authserver.store import redis_layout as layout
from authserver.store.protocols import CodeReplay
from authserver.store.redis_link import RedisLink
from authserver.store.touches import RecentTouches


class RedisStore:
    """Implements ``protocols.Store``.

    Args:
        url: redis://, rediss:// or unix://.
        clock: seconds since 1970.
        cipher: encrypts logins.
        cluster: whether the URL names a node of a Redis Cluster.
        allow_unsafe: accept a Redis that evicts or does not persist.
        deadline_seconds: how long an operation may wait before StoreUnavailable.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        cipher: Cipher,
        *,
        cluster: bool = False,
        allow_unsafe: bool = False,
        deadline_seconds: float = 5.0,
    ) -> None:
        self._link = RedisLink(
            url, cluster=cluster, allow_unsafe=allow_unsafe, deadline_seconds=deadline_seconds
        )
        self._clock = clock
        self._login_sealer = cipher.sealer("login")
        self._touches = RecentTouches()

    def add_client(self, client: Client) -> None:
        """Add or replace."""
        now = self._now()
        expires_at = lifetimes.client_expiry_seconds(client, now)
        self._put("client", client.client_id, expires_at, "record", records.encode(client), "touched_at", now)
        self._touches.forget(client.client_id)

    def get_client(self, client_id: str) -> Client | None:
        """Return the registration."""
        if not client_id.isascii():  # RFC 6749 A.1: there is none
            return None
        record = self._get("client", client_id, "record")
        return None if record is None else records.decode_client(record)

    def touch_client(self, client_id: str) -> None:
        """Renew the registration, at most once a day."""
        now = self._now()
        if self._touches.is_recent(client_id, now):
            return
        stale_at = now - lifetimes.TOUCH_INTERVAL_SECONDS
        expires_at = now + lifetimes.UNUSED_CLIENT_SECONDS
        to_live_ms = lifetimes.UNUSED_CLIENT_SECONDS * 1000
        key = layout.key("client", client_id)
        touched_at = self._link.run(layout.TOUCH_CLIENT, key, now, stale_at, expires_at, to_live_ms)
        if touched_at is not None:
            self._touches.remember(client_id, int(touched_at))

    def remove_client(self, client_id: str) -> bool:
        """Remove; an expired one was not there."""
        self._touches.forget(client_id)
        there = self._get("client", client_id, "record") is not None
        return bool(self._link.command("DEL", layout.key("client", client_id))) and there

    def put_login(self, state_hash: str, login: Login, lifetime_seconds: int) -> None:
        """Keep, encrypted."""
        sealed = records.seal_login(login, self._login_sealer)
        self._put("login", state_hash, self._now() + lifetime_seconds, "sealed", sealed)

    def take_login(self, state_hash: str) -> Login | None:
        """Delete and return, in one script."""
        sealed = self._link.run(layout.TAKE_LOGIN, layout.key("login", state_hash), self._now())
        return None if sealed is None else records.unseal_login(sealed, self._login_sealer)

    def put_code(self, code_hash: str, code: AuthorizationCode, lifetime_seconds: int) -> None:
        """Keep."""
        expires_at = self._now() + lifetime_seconds
        self._put("code", code_hash, expires_at, "sid", code.sid, "record", records.encode(code))

    def take_code(self, code_hash: str) -> AuthorizationCode | CodeReplay | None:
        """Take the record and leave the sid, in one script."""
        now = self._now()
        remember_until = now + lifetimes.TAKEN_CODE_SECONDS
        found = self._link.run(
            layout.TAKE_CODE,
            layout.key("code", code_hash),
            now,
            remember_until,
            lifetimes.TAKEN_CODE_SECONDS * 1000,
        )
        if found is None:
            return None
        sid, record = found
        return records.decode_code(record) if record else CodeReplay(sid)

    def open_session(self, session: Session) -> bool:
        """Put unless the sid is there."""
        return sessions.open_session(self, session, self._now())

    def get_session(self, sid: str) -> Session | None:
        """Return the session."""
        return sessions.session_in(self.read_cell(sid))

    def rotate(self, wish: family.Rotation) -> family.RotateOutcome:
        """One read, then one script that replaces exactly what was read."""
        return sessions.rotate(self, wish, self._now())

    def end_session(self, sid: str, reason: str) -> bool:
        """End, or leave a tombstone."""
        return sessions.end_session(self, sid, reason, self._now())

    def sessions_of(self, tid: str, oid: str) -> list[Session]:
        """Return one person's active sessions, oldest first."""
        now = self._now()
        sids = self._link.command("ZRANGEBYSCORE", layout.key("person", f"{tid}.{oid}"), f"({now}", "+inf")
        found = [session for session in map(self.get_session, sids) if session is not None]
        return sorted((s for s in found if family.is_live(s, now)), key=lambda s: s.created_at_seconds)

    def read_cell(self, sid: str) -> str | None:
        """For ``sessions``: the record's text."""
        return self._get("session", sid, "text")

    def swap_cell(
        self, sid: str, seen: str | None, text: str, session: Session | None, keep_until_seconds: int
    ) -> bool:
        """For ``sessions``: replace the text that was seen."""
        now = self._now()
        if seen is None and session is not None:
            # Another slot of a Cluster, hence before the session and not with it: the index may name a
            # session that is not there, never miss one that is.
            self._index(session, now)
        key = layout.key("session", sid)
        to_live_ms = _to_live_ms(keep_until_seconds, now)
        return bool(
            self._link.run(layout.SWAP_SESSION, key, now, seen or "", text, keep_until_seconds, to_live_ms)
        )

    def add_key_once(self, key: SigningKeyRecord) -> bool:
        """Put unless the generation is there."""
        return bool(self._link.command("HSETNX", layout.SIGNING_KEYS, key.generation, records.encode(key)))

    def list_keys(self) -> list[SigningKeyRecord]:
        """Return all, oldest first."""
        found = [records.decode_key(text) for text in self._link.command("HVALS", layout.SIGNING_KEYS)]
        return sorted(found, key=lambda record: record.generation)

    def remove_key(self, generation: int) -> None:
        """Remove unless it is the newest."""
        self._link.run(layout.REMOVE_KEY, layout.SIGNING_KEYS, generation)

    def add_once(self, namespace: str, key: str, lifetime_seconds: int) -> bool:
        """Put unless it is there and has not expired."""
        now = self._now()
        name = layout.key("once", f"{namespace}:{key}")
        return bool(
            self._link.run(layout.ADD_ONCE, name, now, now + lifetime_seconds, lifetime_seconds * 1000)
        )

    def check(self) -> None:
        """Demand noeviction and an append-only file, and write one key."""
        self._link.check()

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def _now(self) -> int:
        return int(self._clock())

    def _put(self, kind: str, name: str, expires_at_seconds: int, *members: str | int) -> None:
        to_live_ms = (
            0
            if expires_at_seconds == lifetimes.NEVER_SECONDS
            else _to_live_ms(expires_at_seconds, self._now())
        )
        self._link.run(
            layout.PUT, layout.key(kind, name), to_live_ms, "expires_at", expires_at_seconds, *members
        )

    def _get(self, kind: str, name: str, member: str) -> str | None:
        found: list[Any] = self._link.command("HMGET", layout.key(kind, name), member, "expires_at")
        value, expires_at = found
        return None if value is None or int(expires_at) <= self._now() else str(value)

    def _index(self, session: Session, now: int) -> None:
        expires_at = session.absolute_expiry_seconds
        key = layout.key("person", session.identity.subject)
        self._link.run(layout.INDEX_SESSION, key, now, session.sid, expires_at, _to_live_ms(expires_at, now))


def _to_live_ms(expires_at_seconds: int, now_seconds: int) -> int:
    return max(1, expires_at_seconds - now_seconds) * 1000
