"""The record verbs in Redis: each record a key of its own, and an index of names for each kind.

The base of ``redis.RedisStore``, which uses it for nothing else. The index lies in another slot of a Cluster
than the records, hence it is written before the record and not with it: it may name a record that is not
there, never miss one that is. A name leaves it when it has expired, never before: whoever removed it with
the record could remove the name of one that is written at the same moment.
"""

from typing import Any, Final

from authserver.model import Clock
from authserver.store import lifetimes
from authserver.store import redis_layout as layout
from authserver.store.redis_link import RedisLink

_PAGE: Final = 500


class RedisRecords:
    """Implements ``protocols.RecordStore``. Args: link: to Redis; clock: seconds since 1970."""

    def __init__(self, link: RedisLink, clock: Clock) -> None:
        self._link = link
        self._clock = clock

    def put_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> None:
        """Keep."""
        self._index_record(kind, name, expires_at_seconds)
        self._link.run(
            layout.PUT,
            layout.key("record", f"{kind}:{name}"),
            to_live_ms(expires_at_seconds, self._now()),
            "expires_at",
            expires_at_seconds,
            "text",
            text,
        )

    def get_record(self, kind: str, name: str) -> str | None:
        """Return the text."""
        found = self._link.command("HMGET", layout.key("record", f"{kind}:{name}"), "text", "expires_at")
        return self._living(found)

    def add_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> bool:
        """Put unless it is there, in one script."""
        return self._swap(kind, name, "", text, expires_at_seconds)

    def swap_record(self, kind: str, name: str, seen: str, text: str, expires_at_seconds: int) -> bool:
        """Replace what was seen, in one script."""
        return seen != "" and self._swap(kind, name, seen, text, expires_at_seconds)

    def take_record(self, kind: str, name: str) -> str | None:
        """Delete and return, in one script."""
        text = self._link.run(layout.TAKE, layout.key("record", f"{kind}:{name}"), self._now(), "text")
        return None if text is None else str(text)

    def remove_record(self, kind: str, name: str) -> bool:
        """Delete."""
        return self.take_record(kind, name) is not None

    def list_records(self, kind: str, *, from_name: str = "", limit: int = 1000) -> list[tuple[str, str]]:
        """Walk the index by name and read the records it names."""
        found: list[tuple[str, str]] = []
        start = f"[{from_name}"
        while len(found) < limit:
            names = self._link.command(
                "ZRANGEBYLEX", layout.record_names(kind), start, "+", "LIMIT", 0, _PAGE
            )
            if not names:
                break
            texts = self._link.many(
                [("HMGET", layout.key("record", f"{kind}:{name}"), "text", "expires_at") for name in names]
            )
            for name, values in zip(names, texts, strict=True):
                text = self._living(values)
                if text is not None:
                    found.append((name, text))
            start = f"({names[-1]}"
        return found[:limit]

    def _now(self) -> int:
        return int(self._clock())

    def _swap(self, kind: str, name: str, seen: str, text: str, expires_at_seconds: int) -> bool:
        self._index_record(kind, name, expires_at_seconds)
        now = self._now()
        return bool(
            self._link.run(
                layout.SWAP_TEXT,
                layout.key("record", f"{kind}:{name}"),
                now,
                seen,
                text,
                expires_at_seconds,
                to_live_ms(expires_at_seconds, now),
            )
        )

    def _index_record(self, kind: str, name: str, expires_at_seconds: int) -> None:
        names = layout.record_names(kind)
        expiries = layout.record_expiries(kind)
        self._link.run_on(layout.INDEX_RECORD, (names, expiries), self._now(), name, expires_at_seconds)

    def _living(self, values: list[Any]) -> str | None:
        text, expires_at = values
        return None if text is None or int(expires_at) <= self._now() else str(text)


def to_live_ms(expires_at_seconds: int, now_seconds: int) -> int:
    """Return what a script is told for PX; 0 for what never expires."""
    if expires_at_seconds == lifetimes.NEVER_SECONDS:
        return 0
    return max(1, expires_at_seconds - now_seconds) * 1000
