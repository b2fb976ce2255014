"""The SQLite schema, its migrations, and every statement that runs against it.

Used by ``sqlite_file`` (migrations, preparation) and ``sqlite`` (statements). Must not run anything. A
released entry of MIGRATIONS is never edited: the number applied is the file's ``user_version``, and a new
version appends. Every statement that changes something ends in RETURNING, so that its effect is seen as
rows.
"""

from typing import Final

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE clients (client_id TEXT PRIMARY KEY, record TEXT NOT NULL,"
        " touched_at INTEGER NOT NULL, expires_at INTEGER NOT NULL)",
        "CREATE INDEX clients_expiry ON clients (expires_at)",
        "CREATE TABLE logins (state_hash TEXT PRIMARY KEY, sealed TEXT NOT NULL,"
        " expires_at INTEGER NOT NULL)",
        "CREATE INDEX logins_expiry ON logins (expires_at)",
        # A taken code keeps its sid and loses its record.
        "CREATE TABLE codes (code_hash TEXT PRIMARY KEY, sid TEXT NOT NULL, record TEXT NOT NULL,"
        " taken INTEGER NOT NULL, expires_at INTEGER NOT NULL)",
        "CREATE INDEX codes_expiry ON codes (expires_at)",
        "CREATE TABLE sessions (sid TEXT PRIMARY KEY, record TEXT NOT NULL, person TEXT,"
        " expires_at INTEGER NOT NULL)",
        "CREATE INDEX sessions_expiry ON sessions (expires_at)",
        # Ended sessions and tombstones have no person here.
        "CREATE INDEX sessions_person ON sessions (person) WHERE person IS NOT NULL",
        "CREATE TABLE signing_keys (generation INTEGER PRIMARY KEY, record TEXT NOT NULL)",
        "CREATE TABLE once (namespace TEXT NOT NULL, key TEXT NOT NULL, expires_at INTEGER NOT NULL,"
        " PRIMARY KEY (namespace, key))",
        "CREATE INDEX once_expiry ON once (expires_at)",
        "CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL)",
    ),
    (
        "CREATE TABLE records (kind TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,"
        " expires_at INTEGER NOT NULL, PRIMARY KEY (kind, name))",
        "CREATE INDEX records_expiry ON records (expires_at)",
        # Of ended sessions and tombstones.
        "ALTER TABLE sessions ADD COLUMN ended_at INTEGER",
        # What had ended by then was kept for a day.
        "UPDATE sessions SET ended_at = expires_at - 86400 WHERE person IS NULL",
        "CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL",
    ),
)

PUT_CLIENT: Final = (
    "INSERT INTO clients (client_id, record, touched_at, expires_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (client_id) DO UPDATE SET record = excluded.record, touched_at = excluded.touched_at,"
    " expires_at = excluded.expires_at RETURNING 1"
)
GET_CLIENT: Final = "SELECT record FROM clients WHERE client_id = ? AND expires_at > ?"
CLIENT_TOUCHED_AT: Final = "SELECT touched_at FROM clients WHERE client_id = ? AND expires_at > ?"
TOUCH_CLIENT: Final = (
    "UPDATE clients SET touched_at = ?, expires_at = max(expires_at, ?)"
    " WHERE client_id = ? AND touched_at <= ? AND expires_at > ? RETURNING 1"
)
UPDATE_CLIENT: Final = (
    "UPDATE clients SET record = ?, expires_at = max(expires_at, ?)"
    " WHERE client_id = ? AND expires_at > ? RETURNING 1"
)
REMOVE_CLIENT: Final = "DELETE FROM clients WHERE client_id = ? RETURNING expires_at"
LIST_CLIENTS: Final = "SELECT record FROM clients WHERE expires_at > ?"

PUT_LOGIN: Final = "INSERT INTO logins (state_hash, sealed, expires_at) VALUES (?, ?, ?) RETURNING 1"
TAKE_LOGIN: Final = "DELETE FROM logins WHERE state_hash = ? RETURNING sealed, expires_at"

PUT_CODE: Final = (
    "INSERT INTO codes (code_hash, sid, record, taken, expires_at) VALUES (?, ?, ?, 0, ?) RETURNING 1"
)
GET_CODE: Final = "SELECT sid, record, taken FROM codes WHERE code_hash = ? AND expires_at > ?"
TAKE_CODE: Final = (
    "UPDATE codes SET taken = 1, record = '', expires_at = ?"
    " WHERE code_hash = ? AND taken = 0 AND expires_at > ? RETURNING 1"
)

GET_SESSION: Final = "SELECT record FROM sessions WHERE sid = ? AND expires_at > ?"
ADD_SESSION: Final = (
    "INSERT INTO sessions (sid, record, person, ended_at, expires_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (sid) DO UPDATE SET record = excluded.record, person = excluded.person,"
    " ended_at = excluded.ended_at, expires_at = excluded.expires_at WHERE expires_at <= ? RETURNING 1"
)
SWAP_SESSION: Final = (
    "UPDATE sessions SET record = ?, person = ?, ended_at = ?, expires_at = ?"
    " WHERE sid = ? AND record = ? RETURNING 1"
)
SESSIONS_OF: Final = "SELECT record FROM sessions WHERE person = ? AND expires_at > ?"
LIST_SESSIONS: Final = (
    "SELECT record FROM sessions WHERE person IS NOT NULL"
    " AND json_extract(record, '$.idle_expiry_seconds') > ?"
    " ORDER BY json_extract(record, '$.created_at_seconds') DESC, sid LIMIT ?"
)
ENDED_SINCE: Final = (
    "SELECT sid, ended_at FROM sessions WHERE ended_at >= ? AND expires_at > ? ORDER BY ended_at, sid"
)

ADD_KEY: Final = (
    "INSERT INTO signing_keys (generation, record) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1"
)
LIST_KEYS: Final = "SELECT record FROM signing_keys WHERE generation > ? ORDER BY generation"
GET_KEY: Final = "SELECT record FROM signing_keys WHERE generation = ?"
SWAP_KEY: Final = "UPDATE signing_keys SET record = ? WHERE generation = ? AND record = ? RETURNING 1"
REMOVE_KEY: Final = (
    "DELETE FROM signing_keys WHERE generation = ?"
    " AND generation < (SELECT max(generation) FROM signing_keys) RETURNING 1"
)

ADD_ONCE: Final = (
    "INSERT INTO once (namespace, key, expires_at) VALUES (?, ?, ?)"
    " ON CONFLICT (namespace, key) DO UPDATE SET expires_at = excluded.expires_at"
    " WHERE expires_at <= ? RETURNING 1"
)

PUT_RECORD: Final = (
    "INSERT INTO records (kind, name, text, expires_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (kind, name) DO UPDATE SET text = excluded.text, expires_at = excluded.expires_at"
    " RETURNING 1"
)
GET_RECORD: Final = "SELECT text FROM records WHERE kind = ? AND name = ? AND expires_at > ?"
ADD_RECORD: Final = (
    "INSERT INTO records (kind, name, text, expires_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (kind, name) DO UPDATE SET text = excluded.text, expires_at = excluded.expires_at"
    " WHERE expires_at <= ? RETURNING 1"
)
SWAP_RECORD: Final = (
    "UPDATE records SET text = ?, expires_at = ?"
    " WHERE kind = ? AND name = ? AND text = ? AND expires_at > ? RETURNING 1"
)
TAKE_RECORD: Final = "DELETE FROM records WHERE kind = ? AND name = ? RETURNING text, expires_at"
LIST_RECORDS: Final = (
    "SELECT name, text FROM records WHERE kind = ? AND name >= ? AND expires_at > ? ORDER BY name LIMIT ?"
)

PROBE: Final = (
    "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at RETURNING 1"
)

# One bounded bite of each table; the index on expires_at finds it.
SWEEPS: Final = tuple(
    f"DELETE FROM {table} WHERE rowid IN"  # noqa: S608 - constants
    f" (SELECT rowid FROM {table} WHERE expires_at <= ? LIMIT ?) RETURNING 1"
    for table in ("clients", "logins", "codes", "sessions", "once", "records")
)

# What a connection compiles before its first transaction.
ALL: Final = (
    PUT_CLIENT,
    GET_CLIENT,
    CLIENT_TOUCHED_AT,
    TOUCH_CLIENT,
    UPDATE_CLIENT,
    REMOVE_CLIENT,
    LIST_CLIENTS,
    PUT_LOGIN,
    TAKE_LOGIN,
    PUT_CODE,
    GET_CODE,
    TAKE_CODE,
    GET_SESSION,
    ADD_SESSION,
    SWAP_SESSION,
    SESSIONS_OF,
    LIST_SESSIONS,
    ENDED_SINCE,
    ADD_KEY,
    LIST_KEYS,
    GET_KEY,
    SWAP_KEY,
    REMOVE_KEY,
    ADD_ONCE,
    PUT_RECORD,
    GET_RECORD,
    ADD_RECORD,
    SWAP_RECORD,
    TAKE_RECORD,
    LIST_RECORDS,
    PROBE,
    *SWEEPS,
)
