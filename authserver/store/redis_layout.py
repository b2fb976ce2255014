"""The Redis key layout, its version, and the scripts that make a verb atomic.

Used by ``redis``, ``redis_records`` and ``redis_link``. Must not talk to Redis by itself. Layout 1,
all keys below one prefix, the hash tag in braces (a script touches the keys of one tag only, so that it works
on a Cluster)::

    {client:<client_id>}   hash    record, touched_at, expires_at
    {login:<state hash>}   hash    sealed, expires_at
    {code:<code hash>}     hash    sid, record (absent once taken), expires_at
    {session:<sid>}        hash    text, expires_at
    {person:<tid>.<oid>}   zset    sid by absolute expiry: a hint, the sessions themselves decide
    {ended}                zset    sid by when it ended: a hint as well; may name one more, never one less
    {keys}                 hash    generation to record; never expires
    {once:<space>:<key>}   string  expires_at
    {record:<kind>:<name>} hash    text, expires_at
    {records:<kind>}       zset    names of that kind, all of one score: a hint, the records themselves decide
    {records:<kind>}:expiry zset   the same names by expiry
    {layout}, {probe}      string

What expires carries PX, by which Redis forgets it, and ``expires_at`` by the server's clock, by which it is
absent.
"""

from typing import Final

PREFIX: Final = "authserver:"
FIRST_VERSION: Final = 1
LAYOUT_KEY: Final = f"{PREFIX}{{layout}}"
PROBE_KEY: Final = f"{PREFIX}{{probe}}"
SIGNING_KEYS: Final = f"{PREFIX}{{keys}}"
ENDED: Final = f"{PREFIX}{{ended}}"


def key(kind: str, name: str) -> str:
    """Return the key of one record."""
    return f"{PREFIX}{{{kind}:{name}}}"


def record_names(kind: str) -> str:
    """Return the key of a kind's names."""
    return key("records", kind)


def record_expiries(kind: str) -> str:
    """Return the key of a kind's names by expiry; the hash tag is that of ``record_names``."""
    return f"{key('records', kind)}:expiry"


# In a script that adds, the adding comes first: Redis refuses a script for want of memory at its first
# write only.

# KEYS[1] hash; ARGV: milliseconds to live (0: for ever), then field, value, field, value …
PUT: Final = """
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if tonumber(ARGV[1]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) else redis.call('PERSIST', KEYS[1]) end
return 1
"""

# KEYS[1] client; ARGV: now, touched at or before this is stale, new expiry, milliseconds to live.
# Returns when it was touched last, this time included; nothing for a client that is not there.
TOUCH_CLIENT: Final = """
local v = redis.call('HMGET', KEYS[1], 'touched_at', 'expires_at')
if not v[1] or tonumber(v[2]) <= tonumber(ARGV[1]) then return false end
if tonumber(v[1]) > tonumber(ARGV[2]) then return v[1] end
redis.call('HSET', KEYS[1], 'touched_at', ARGV[1])
if tonumber(v[2]) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'expires_at', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return ARGV[1]
"""

# KEYS[1] client; ARGV: now, record, new expiry, milliseconds to live (0: for ever).
UPDATE_CLIENT: Final = """
local v = redis.call('HMGET', KEYS[1], 'record', 'expires_at')
if not v[1] or tonumber(v[2]) <= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
if tonumber(v[2]) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'expires_at', ARGV[3])
  if ARGV[4] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
end
return 1
"""

# KEYS[1] login or record; ARGV: now, the field that is taken.
TAKE: Final = """
local v = redis.call('HMGET', KEYS[1], ARGV[2], 'expires_at')
redis.call('DEL', KEYS[1])
if not v[1] or tonumber(v[2]) <= tonumber(ARGV[1]) then return false end
return v[1]
"""

# KEYS[1] code; ARGV: now, how long a taken one is remembered (expiry, milliseconds). Returns sid, record or
# ''.
TAKE_CODE: Final = """
local v = redis.call('HMGET', KEYS[1], 'sid', 'record', 'expires_at')
if not v[1] or tonumber(v[3]) <= tonumber(ARGV[1]) then return false end
if not v[2] then return {v[1], ''} end
redis.call('HDEL', KEYS[1], 'record')
redis.call('HSET', KEYS[1], 'expires_at', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {v[1], v[2]}
"""

# KEYS[1] session or record; ARGV: now, text as seen ('' for none), new text, its expiry, milliseconds to
# live (0: for ever).
SWAP_TEXT: Final = """
local v = redis.call('HMGET', KEYS[1], 'text', 'expires_at')
local seen = v[1]
if not seen or tonumber(v[2]) <= tonumber(ARGV[1]) then seen = '' end
if seen ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'text', ARGV[3], 'expires_at', ARGV[4])
if tonumber(ARGV[5]) > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[5]) else redis.call('PERSIST', KEYS[1]) end
return 1
"""

# KEYS[1] person; ARGV: now, sid, its expiry, milliseconds to live.
INDEX_SESSION: Final = """
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
"""

# KEYS[1] ended; ARGV: now, sid, what ended before this is forgotten, milliseconds to live.
INDEX_ENDED: Final = """
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""

# KEYS[1] names, KEYS[2] names by expiry; ARGV: now, name, its expiry. Each call clears away a few names at
# most, more than it adds.
INDEX_RECORD: Final = """
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('ZADD', KEYS[2], 'GT', ARGV[3], ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 20)
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('ZREM', KEYS[2], unpack(gone))
end
return 1
"""

# KEYS[1] signing keys; ARGV: generation, record as seen, record.
SWAP_KEY: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""

# KEYS[1] signing keys; ARGV: generation. The newest stays.
REMOVE_KEY: Final = """
for _, generation in ipairs(redis.call('HKEYS', KEYS[1])) do
  if tonumber(generation) > tonumber(ARGV[1]) then return redis.call('HDEL', KEYS[1], ARGV[1]) end
end
return 0
"""

# KEYS[1] the thing; ARGV: now, expiry, milliseconds to live.
ADD_ONCE: Final = """
local v = redis.call('GET', KEYS[1])
if v and tonumber(v) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""

# KEYS[1] layout; ARGV: version as seen, version after a migration.
RAISE_LAYOUT: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
