"""The store in Redis or a Redis Cluster: for more machines than one.

Made by ``store.open_store``; used through the protocols. Every verb is one command or one script on the
keys of one hash tag (``redis_layout``), after an index of another tag where there is one; what the
connection demands of Redis: ``redis_link``; records: ``redis_records``. Must not decide anything about
sessions (``family`` does).
"""

import heapq
from collections.abc import Iterator
from typing import Final

from authserver.cipher import Cipher
from authserver.model import AuthorizationCode, Client, Clock, Login, Session, SigningKeyRecord
from authserver.store import family, lifetimes, records, sessions
from authserver.store import redis_layout as layout
from authserver.store.protocols import CodeReplay
from authserver.store.redis_link import RedisLink
from authserver.store.redis_records import RedisRecords, to_live_ms
from authserver.store.touches import RecentTouches
from serving.redis_identity import EntraCredentials

_PAGE: Final = 500


class RedisStore(RedisRecords):
    """Implements ``protocols.Store``.

    Args:
        url: redis://, rediss:// or unix://.
        clock: seconds since 1970.
        cipher: encrypts logins.
        cluster: whether the URL names a node of a Redis Cluster.
        allow_unsafe: accept a Redis that evicts or does not persist.
        deadline_seconds: how long an operation may wait before StoreUnavailable.
        credentials: instead of a password in the URL.
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
        credentials: EntraCredentials | None = None,
    ) -> None:
        link = RedisLink(
            url,
            cluster=cluster,
            allow_unsafe=allow_unsafe,
            deadline_seconds=deadline_seconds,
            credentials=credentials,
        )
        super().__init__(link, clock)
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

    def update_client(self, client: Client) -> bool:
        """Replace in one script."""
        now = self._now()
        expires_at = lifetimes.client_expiry_seconds(client, now)
        key = layout.key("client", client.client_id)
        live_ms = to_live_ms(expires_at, now)
        return bool(
            self._link.run(layout.UPDATE_CLIENT, key, now, records.encode(client), expires_at, live_ms)
        )

    def touch_client(self, client_id: str) -> None:
        """Renew the registration, at most once a day."""
        now = self._now()
        if self._touches.is_recent(client_id, now):
            return
        stale_at = now - lifetimes.TOUCH_INTERVAL_SECONDS
        expires_at = now + lifetimes.UNUSED_CLIENT_SECONDS
        live_ms = lifetimes.UNUSED_CLIENT_SECONDS * 1000
        key = layout.key("client", client_id)
        touched_at = self._link.run(layout.TOUCH_CLIENT, key, now, stale_at, expires_at, live_ms)
        if touched_at is not None:
            self._touches.remember(client_id, int(touched_at))

    def remove_client(self, client_id: str) -> bool:
        """Remove; an expired one was not there."""
        self._touches.forget(client_id)
        there = self._get("client", client_id, "record") is not None
        return bool(self._link.command("DEL", layout.key("client", client_id))) and there

    def list_clients(self) -> list[Client]:
        """Return all, oldest first."""
        found = [records.decode_client(text) for text in self._all("client", "record")]
        return sorted(found, key=lambda client: client.issued_at_seconds)

    def put_login(self, state_hash: str, login: Login, lifetime_seconds: int) -> None:
        """Keep, encrypted."""
        sealed = records.seal_login(login, self._login_sealer)
        self._put("login", state_hash, self._now() + lifetime_seconds, "sealed", sealed)

    def take_login(self, state_hash: str) -> Login | None:
        """Delete and return, in one script."""
        sealed = self._link.run(layout.TAKE, layout.key("login", state_hash), self._now(), "sealed")
        return None if sealed is None else records.unseal_login(sealed, self._login_sealer)

    def put_code(self, code_hash: str, code: AuthorizationCode, lifetime_seconds: int) -> None:
        """Keep."""
        expires_at = self._now() + lifetime_seconds
        self._put("code", code_hash, expires_at, "sid", code.sid, "record", records.encode(code))

    def look_at_code(self, code_hash: str) -> AuthorizationCode | CodeReplay | None:
        """Return the code, or the sid of one that was taken."""
        sid = self._get("code", code_hash, "sid")
        if sid is None:
            return None
        record = self._get("code", code_hash, "record")
        return CodeReplay(sid) if record is None else records.decode_code(record)

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

    def list_sessions(self, *, limit: int = 1000) -> list[Session]:
        """Return active ones, the newest first."""
        now = self._now()
        found = filter(None, map(sessions.session_in, self._all("session", "text")))
        living = (session for session in found if family.is_live(session, now))
        return heapq.nsmallest(limit, living, key=lambda s: (-s.created_at_seconds, s.sid))

    def ended_since(self, since_seconds: int) -> list[tuple[str, int]]:
        """Return what ended from then on."""
        kept_since = self._now() - family.ENDED_RETENTION_SECONDS + 1
        since_seconds = max(since_seconds, kept_since)
        found = self._link.many([("ZRANGEBYSCORE", layout.ENDED, since_seconds, "+inf", "WITHSCORES")])[0]
        return [(str(sid), int(ended_at)) for sid, ended_at in found]

    def read_cell(self, sid: str) -> str | None:
        """For ``sessions``: the record's text."""
        return self._get("session", sid, "text")

    def swap_cell(
        self, sid: str, seen: str | None, text: str, session: Session | None, keep_until_seconds: int
    ) -> bool:
        """For ``sessions``: replace the text that was seen."""
        now = self._now()
        # The indexes lie in other slots of a Cluster, hence they are written before the session and not
        # with it: they may name a session too many, never miss one.
        if seen is None and session is not None:
            self._index_person(session, now)
        if session is None or session.state == "ended":
            retention_seconds = family.ENDED_RETENTION_SECONDS
            since = now - retention_seconds
            self._link.run(layout.INDEX_ENDED, layout.ENDED, now, sid, since, retention_seconds * 1000)
        key = layout.key("session", sid)
        live_ms = to_live_ms(keep_until_seconds, now)
        return bool(self._link.run(layout.SWAP_TEXT, key, now, seen or "", text, keep_until_seconds, live_ms))

    def add_key_once(self, key: SigningKeyRecord) -> bool:
        """Put unless the generation is there."""
        return bool(self._link.command("HSETNX", layout.SIGNING_KEYS, key.generation, records.encode(key)))

    def list_keys(self) -> list[SigningKeyRecord]:
        """Return all, oldest first."""
        found = [records.decode_key(text) for text in self._link.command("HVALS", layout.SIGNING_KEYS)]
        return sorted(found, key=lambda record: record.generation)

    def swap_key(self, seen: SigningKeyRecord, key: SigningKeyRecord) -> bool:
        """Replace the text that says what was seen, in one script."""
        text = self._link.command("HGET", layout.SIGNING_KEYS, seen.generation)
        if text is None or records.decode_key(text) != seen:
            return False
        changed = (seen.generation, text, records.encode(key))
        return bool(self._link.run(layout.SWAP_KEY, layout.SIGNING_KEYS, *changed))

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

    def _put(self, kind: str, name: str, expires_at_seconds: int, *members: str | int) -> None:
        live_ms = to_live_ms(expires_at_seconds, self._now())
        self._link.run(
            layout.PUT, layout.key(kind, name), live_ms, "expires_at", expires_at_seconds, *members
        )

    def _get(self, kind: str, name: str, member: str) -> str | None:
        return self._living(self._link.command("HMGET", layout.key(kind, name), member, "expires_at"))

    def _all(self, kind: str, member: str) -> Iterator[str]:
        keys = self._link.keys_like(layout.key(kind, "*"))
        for start in range(0, len(keys), _PAGE):
            commands = [("HMGET", key, member, "expires_at") for key in keys[start : start + _PAGE]]
            yield from filter(None, map(self._living, self._link.many(commands)))

    def _index_person(self, session: Session, now: int) -> None:
        expires_at = session.absolute_expiry_seconds
        key = layout.key("person", session.identity.subject)
        self._link.run(layout.INDEX_SESSION, key, now, session.sid, expires_at, to_live_ms(expires_at, now))
