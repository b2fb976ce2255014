"""The scripts that make each verb on a session one step in Redis; the keys are those of ``redis_layout``.

Run through ``redis_layout.Place``, which puts the session's key and how long it lives (milliseconds) before
what a script is given. A script returns nothing where there is no such session. Must decide nothing that
needs another session.
"""

from typing import Final

from mcpserver.redis_link import TO_PROCESS

# What the scripts begin with. ARGV[1]: milliseconds to live.
_BEGIN: Final = (
    """
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then return false end
local function live(...)
  for _, name in ipairs({...}) do redis.call('PEXPIRE', name, ARGV[1]) end
end
local function use()
  live(key, key .. ':calls', key .. ':asked', key .. ':uris', key .. ':streams', key .. ':finished')
  live(key .. ':0', key .. ':0:events')
end
local function is_due(now, seconds)
  if tonumber(now) - tonumber(redis.call('HGET', key, 'noted')) < tonumber(seconds) then return 0 end
  redis.call('HSET', key, 'noted', now)
  return 1
end
local function tell(process, message)
  redis.call('PUBLISH', '"""
    + TO_PROCESS
    + """' .. process, message)
end
local function wake_writers(stream, here, message)
  local is_here = 0
  for process in string.gmatch(redis.call('HGET', stream, 'writers') or '', '%S+') do
    if process == here then is_here = 1 else tell(process, message) end
  end
  redis.call('HDEL', stream, 'writers')
  return is_here
end
"""
)

# KEYS: of the session. ARGV: ms, owner, subject, version, capabilities, level, now.
OPEN: Final = """
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'subject', ARGV[3], 'version', ARGV[4], 'capabilities', ARGV[5],
  'level', ARGV[6], 'seen', '', 'noted', ARGV[7])
redis.call('SADD', KEYS[1] .. ':streams', 0)
redis.call('HSET', KEYS[1] .. ':0', 'next', 1, 'read', 0, 'bytes', 0)
for _, part in ipairs({'', ':streams', ':0'}) do redis.call('PEXPIRE', KEYS[1] .. part, ARGV[1]) end
return 1
"""

# ARGV: ms, owner, now, seconds after which the indexes are to be told. Returns what is known and whether
# they are; nothing for another caller.
FIND: Final = (
    _BEGIN
    + """
local found = redis.call('HMGET', key, 'owner', 'version', 'capabilities', 'level', 'seen')
if found[1] ~= ARGV[2] then return false end
use()
return {found[2], found[3], found[4], found[5], is_due(ARGV[3], ARGV[4])}
"""
)

# ARGV: ms, field, value, …
SET: Final = (
    _BEGIN
    + """
redis.call('HSET', key, unpack(ARGV, 2))
return 1
"""
)

# ARGV: ms, call, "<process> <stream> <token>", most. Returns taken, or why there is no room: used, full.
TAKE_ROOM: Final = (
    _BEGIN
    + """
if redis.call('HEXISTS', key .. ':calls', ARGV[2]) == 1 then return 'used' end
if redis.call('HLEN', key .. ':calls') >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', key .. ':calls', ARGV[2], ARGV[3])
use()
return 'taken'
"""
)

# ARGV: ms, call, "<process> <stream> <token>". Returns whether it was there.
LEAVE_ROOM: Final = (
    _BEGIN
    + """
local taken = redis.call('HGET', key .. ':calls', ARGV[2])
if taken ~= ARGV[3] and taken ~= ARGV[3] .. ' cancelled' then return 0 end
redis.call('HDEL', key .. ':calls', ARGV[2])
return 1
"""
)

# ARGV: ms, call, message.
CANCEL: Final = (
    _BEGIN
    + """
local taken = redis.call('HGET', key .. ':calls', ARGV[2])
if not taken or string.find(taken, ' cancelled', 1, true) then return 0 end
redis.call('HSET', key .. ':calls', ARGV[2], taken .. ' cancelled')
tell(string.match(taken, '%S+'), ARGV[3])
return 1
"""
)

# ARGV: ms, process, question, …
ASK: Final = (
    _BEGIN
    + """
for i = 3, #ARGV do redis.call('HSET', key .. ':asked', ARGV[i], ARGV[2]) end
use()
return 1
"""
)

# ARGV: ms, question, answer, message.
ANSWER: Final = (
    _BEGIN
    + """
local process = redis.call('HGET', key .. ':asked', ARGV[2])
if not process or string.sub(process, 1, 1) == '=' then return 0 end
redis.call('HSET', key .. ':asked', ARGV[2], '=' .. ARGV[3])
tell(process, ARGV[4])
return 1
"""
)

# ARGV: ms, uri, most, most characters of all, message. Returns whether there was room.
SUBSCRIBE: Final = (
    _BEGIN
    + """
local uris = key .. ':uris'
if redis.call('SISMEMBER', uris, ARGV[2]) == 0 then
  local there = redis.call('SMEMBERS', uris)
  local characters = #ARGV[2]
  for _, uri in ipairs(there) do characters = characters + #uri end
  if #there >= tonumber(ARGV[3]) or characters > tonumber(ARGV[4]) then return 0 end
  redis.call('SADD', uris, ARGV[2])
  use()
end
local at = redis.call('HGET', key .. ':0', 'at')
if at then tell(at, ARGV[5]) end
return 1
"""
)

# ARGV: ms, uri, message.
UNSUBSCRIBE: Final = (
    _BEGIN
    + """
redis.call('SREM', key .. ':uris', ARGV[2])
local at = redis.call('HGET', key .. ':0', 'at')
if at then tell(at, ARGV[3]) end
return 1
"""
)

# ARGV: ms, now, seconds after which the indexes are to be told, stream, …: those that are read or written.
# Returns the calls, the questions, and whose the session is if the indexes are to be told.
KEEP: Final = (
    _BEGIN
    + """
use()
for i = 4, #ARGV do live(key .. ':' .. ARGV[i], key .. ':' .. ARGV[i] .. ':events') end
local subject = is_due(ARGV[2], ARGV[3]) == 1 and redis.call('HGET', key, 'subject') or ''
return {redis.call('HGETALL', key .. ':calls'), redis.call('HGETALL', key .. ':asked'), subject}
"""
)

# ARGV: ms, message. Returns whose it was.
CLOSE: Final = (
    _BEGIN
    + """
local told = {}
for _, taken in ipairs(redis.call('HVALS', key .. ':calls')) do told[string.match(taken, '%S+')] = true end
for _, number in ipairs(redis.call('SMEMBERS', key .. ':streams')) do
  local stream = key .. ':' .. number
  local kept = redis.call('HMGET', stream, 'at', 'writers')
  if kept[1] then told[kept[1]] = true end
  for process in string.gmatch(kept[2] or '', '%S+') do told[process] = true end
  redis.call('DEL', stream, stream .. ':events')
end
local subject = redis.call('HGET', key, 'subject')
redis.call('DEL', key, key .. ':calls', key .. ':asked', key .. ':uris')
redis.call('DEL', key .. ':streams', key .. ':finished')
for process in pairs(told) do tell(process, ARGV[2]) end
return subject
"""
)

# ARGV: ms, stream, reader or "", its process. Made twice where the answer was lost, perhaps with another
# reader.
MAKE_STREAM: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
if redis.call('EXISTS', stream) == 0 then redis.call('HSET', stream, 'next', 1, 'read', 0, 'bytes', 0) end
if ARGV[3] ~= '' then
  redis.call('HSET', stream, 'reader', ARGV[3], 'at', ARGV[4])
else
  redis.call('HDEL', stream, 'reader', 'at')
end
redis.call('SADD', key .. ':streams', ARGV[2])
live(stream, key .. ':streams')
return 1
"""
)

# ARGV: ms, stream, mode (send: waits for room; force; finish: the last one), process, token, event or "",
# most events, most bytes, message for the reader, finished streams kept. Returns what became of it and the
# reader's process: 1 appended, 0 no room, -1 the stream is finished; nothing where there is no stream.
APPEND: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
local events = stream .. ':events'
local mode, here, token, data = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local kept = redis.call('HMGET', stream, 'next', 'read', 'bytes', 'reader', 'at', 'finished', 'by:' .. here)
if not kept[1] then return false end
local at = kept[5] or ''
-- Asked for once more, because the answer was lost.
local tokens = kept[7] or ''
if string.find(tokens, token, 1, true) then return {1, at} end
if kept[6] then return {-1, at} end
local following, read, bytes = tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3])
if #data > 0 then
  local count = redis.call('XLEN', events)
  while count > 0 and (count >= tonumber(ARGV[7]) or bytes + #data > tonumber(ARGV[8])) do
    if kept[4] and following - count > read then
      if mode ~= 'send' then break end
      local writers = redis.call('HGET', stream, 'writers') or ''
      if not string.find(' ' .. writers .. ' ', ' ' .. here .. ' ', 1, true) then
        redis.call('HSET', stream, 'writers', writers .. ' ' .. here)
      end
      redis.call('HSET', stream, 'bytes', bytes)
      return {0, at}
    end
    local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
    bytes = bytes - #oldest[2][2]
    count = count - 1
    redis.call('XDEL', events, oldest[1])
  end
  redis.call('XADD', events, following, 'data', data)
  redis.call('HSET', stream, 'next', following + 1, 'bytes', bytes + #data)
end
redis.call('HSET', stream, 'by:' .. here, string.sub(token .. ' ' .. tokens, 1, 200))
if mode == 'finish' then
  redis.call('HSET', stream, 'finished', 1)
  if ARGV[2] ~= '0' then
    redis.call('RPUSH', key .. ':finished', ARGV[2])
    while redis.call('LLEN', key .. ':finished') > tonumber(ARGV[10]) do
      local oldest = redis.call('LPOP', key .. ':finished')
      redis.call('SREM', key .. ':streams', oldest)
      redis.call('DEL', key .. ':' .. oldest, key .. ':' .. oldest .. ':events')
    end
  end
end
live(stream, events, key .. ':finished')
if kept[4] and at ~= here then tell(at, ARGV[9]) end
return {1, at}
"""
)

# ARGV: ms, stream, reader, last event that it has, process, most, message for writers. What it has is read,
# not what is returned here: that may get lost on the way. Returns: whether writers wait here, whether the
# stream is finished, how many calls run, the events; nothing for who is not the reader any more.
READ: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
local kept = redis.call('HMGET', stream, 'read', 'reader', 'finished')
if kept[2] ~= ARGV[3] then return false end
local is_awaited = 0
if tonumber(ARGV[4]) > tonumber(kept[1]) then
  redis.call('HSET', stream, 'read', ARGV[4])
  is_awaited = wake_writers(stream, ARGV[5], ARGV[7])
end
local events = redis.call('XRANGE', stream .. ':events', tonumber(ARGV[4]) + 1, '+', 'COUNT', ARGV[6])
return {is_awaited, kept[3] and 1 or 0, redis.call('HLEN', key .. ':calls'), events}
"""
)

# ARGV: ms, stream, reader or "" (nobody), process, last event that the client has or "" (as before), message
# for the earlier reader, message for writers. Returns: the earlier reader's process, the last event read.
ATTACH: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
local kept = redis.call('HMGET', stream, 'next', 'read', 'reader', 'at')
if not kept[1] then return false end
local read = tonumber(kept[2])
if ARGV[5] ~= '' then
  local latest = tonumber(kept[1]) - 1
  local before = latest - redis.call('XLEN', stream .. ':events')
  read = math.min(math.max(tonumber(ARGV[5]), before), latest)
end
redis.call('HSET', stream, 'read', read)
if ARGV[3] == '' then
  redis.call('HDEL', stream, 'reader', 'at')
else
  redis.call('HSET', stream, 'reader', ARGV[3], 'at', ARGV[4])
end
if kept[4] and kept[4] ~= ARGV[4] then tell(kept[4], ARGV[6]) end
wake_writers(stream, '', ARGV[7])
live(stream, stream .. ':events')
return {kept[4] or '', read}
"""
)

# ARGV: ms, stream, reader, message for writers.
DETACH: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
if redis.call('HGET', stream, 'reader') ~= ARGV[3] then return 0 end
redis.call('HDEL', stream, 'reader', 'at')
wake_writers(stream, '', ARGV[4])
return 1
"""
)

# ARGV: ms, stream, process that is gone, message for writers.
DETACH_GONE: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
if redis.call('HGET', stream, 'at') ~= ARGV[3] then return 0 end
redis.call('HDEL', stream, 'reader', 'at')
wake_writers(stream, '', ARGV[4])
return 1
"""
)

# ARGV: ms, stream, most events, most bytes.
IS_FULL: Final = (
    _BEGIN
    + """
local stream = key .. ':' .. ARGV[2]
local kept = redis.call('HMGET', stream, 'next', 'read', 'bytes')
if not kept[1] then return 0 end
local count = redis.call('XLEN', stream .. ':events')
local unread = math.min(tonumber(kept[1]) - 1 - tonumber(kept[2]), count)
local is_long = unread == count and tonumber(kept[3]) > tonumber(ARGV[4])
return (unread >= tonumber(ARGV[3]) or is_long) and 1 or 0
"""
)

# KEYS: a person's sessions. ARGV: now, most, name, expiry, ms. Returns whether there was room.
COUNT_FOR_PERSON: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
"""

# KEYS: everybody's sessions. ARGV: now, most, name, expiry, ms. Returns those that have to make room: not too
# many at once, should less of it be allowed than before.
COUNT_FOR_ALL: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
local over = math.min(redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[2]), 20)
if over <= 0 then return {} end
local longest_idle = redis.call('ZRANGE', KEYS[1], 0, over - 1)
redis.call('ZREM', KEYS[1], unpack(longest_idle))
return longest_idle
"""
