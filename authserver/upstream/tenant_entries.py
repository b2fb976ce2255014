"""The tenants that may sign in: those of the settings, and over them what operators changed since.

Read by ``upstream.tenants``; changed by ``cli.tenants`` and ``oauth.onboarding``. What the store says of a
tenant wins over the settings, also that it was removed, so that every process follows a command within
seconds. Must not decide what an entry grants.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from authserver.errors import StoreUnavailable
from authserver.model import Clock, TenantEntry

# How long a process may not notice a change.
MAX_STALE_SECONDS: Final = 5
_KIND: Final = "tenant"
_NEVER_SECONDS: Final = 100_000_000_000
# In place of an entry: an operator removed the tenant.
_REMOVED: Final = "removed"
_PAGE: Final = 1000
_ENTRY: Final = TypeAdapter(TenantEntry)

Source = Literal["settings", "store", "removed"]


class TenantRecords(Protocol):
    """What of the store is used here; see ``store.protocols.RecordStore``."""

    def put_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> None: ...

    def get_record(self, kind: str, name: str) -> str | None: ...

    def add_record(self, kind: str, name: str, text: str, expires_at_seconds: int) -> bool: ...

    def swap_record(self, kind: str, name: str, seen: str, text: str, expires_at_seconds: int) -> bool: ...

    def remove_record(self, kind: str, name: str) -> bool: ...

    def list_records(self, kind: str, *, from_name: str = "", limit: int = 1000) -> list[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A tenant, and where what counts for it stands; ``removed``: in the settings, but it may not sign in."""

    entry: TenantEntry
    source: Source


class TenantEntries:
    """Args: configured: the settings' entries, by tid in lower case; records: store; clock."""

    def __init__(self, configured: Mapping[str, TenantEntry], records: TenantRecords, clock: Clock) -> None:
        self._configured = configured
        self._records = records
        self._clock = clock
        # Those that may sign in, and when that was read: nobody else's id costs memory here.
        self._known: dict[str, tuple[TenantEntry, float]] = {}
        self._others: tuple[bool, float] = (False, float("-inf"))

    def get(self, tid: str) -> TenantEntry | None:
        """Return the tenant's entry, None when it may not sign in; at most MAX_STALE_SECONDS old.

        Raises:
            StoreUnavailable: nobody knows whether it may.
        """
        known = self._known.get(tid)
        if known is not None and self._is_fresh(known[1]):
            return known[0]
        now = self._clock()
        entry = self._read(tid)
        if entry is None:
            self._known.pop(tid, None)
        else:
            self._known[tid] = (entry, now)
        return entry

    def has_others_than(self, home: str) -> bool:
        """Tell whether a tenant beside that one may sign in, or may be about to; as old as ``get``."""
        if self._configured.keys() - {home}:
            return True
        has_others, read_at = self._others
        if not self._is_fresh(read_at):
            now = self._clock()
            stored = self._records.list_records(_KIND, limit=2)
            has_others = any(tid != home for tid, _ in stored)
            self._others = (has_others, now)
        return has_others

    def listed(self) -> list[Listed]:
        """Return all tenants by id, the removed ones of the settings among them. For people."""
        found = {tid: Listed(entry, "settings") for tid, entry in self._configured.items()}
        stored = self._stored()
        for tid, text in stored:
            if text != _REMOVED:
                found[tid] = Listed(_decode(text), "store")
            elif tid in found:
                found[tid] = Listed(found[tid].entry, "removed")
        return [found[tid] for tid in sorted(found)]

    def put(self, entry: TenantEntry) -> None:
        """Let the tenant sign in as the entry says, from now on."""
        self._records.put_record(_KIND, entry.tid, _encode(entry), _NEVER_SECONDS)

    def add(self, entry: TenantEntry) -> bool:
        """Atomic: let the tenant sign in unless it may already; say whether this call did it."""
        if entry.tid in self._configured and self._records.get_record(_KIND, entry.tid) is None:
            return False
        if self._records.add_record(_KIND, entry.tid, _encode(entry), _NEVER_SECONDS):
            return True
        return self._records.swap_record(_KIND, entry.tid, _REMOVED, _encode(entry), _NEVER_SECONDS)

    def remove(self, tid: str) -> bool:
        """Let nobody of the tenant sign in any more, nor refresh; say whether somebody could."""
        was_there = self._read(tid) is not None
        if tid in self._configured:
            self._records.put_record(_KIND, tid, _REMOVED, _NEVER_SECONDS)
        else:
            self._records.remove_record(_KIND, tid)
        return was_there

    def restore(self, tid: str) -> bool:
        """Let the settings hold again for a tenant that is in them; say whether the store said otherwise."""
        return tid in self._configured and self._records.remove_record(_KIND, tid)

    def _is_fresh(self, read_at: float) -> bool:
        return 0 <= self._clock() - read_at < MAX_STALE_SECONDS

    def _read(self, tid: str) -> TenantEntry | None:
        text = self._records.get_record(_KIND, tid)
        if text is None:
            return self._configured.get(tid)
        return None if text == _REMOVED else _decode(text)

    def _stored(self) -> list[tuple[str, str]]:
        stored: list[tuple[str, str]] = []
        while True:
            after = f"{stored[-1][0]}\0" if stored else ""
            page = self._records.list_records(_KIND, from_name=after, limit=_PAGE)
            stored += page
            if len(page) < _PAGE:
                return stored


def described(entry: TenantEntry) -> dict[str, object]:
    """Return the entry as JSON members, for people and for the store."""
    return asdict(entry)


def _encode(entry: TenantEntry) -> str:
    return json.dumps(described(entry))


def _decode(text: str) -> TenantEntry:
    try:
        return _ENTRY.validate_json(text)
    except ValidationError:
        raise StoreUnavailable("a tenant's entry in the store is malformed") from None
