-- One wrk script for all rows. LOAD_FILE: method, headers and body as written by harness.py; @ID@ in the body becomes a
-- fresh JSON-RPC id. LOAD_REFRESH: one-time refresh tokens; @REFRESH@ takes one, the answer's goes back to the pool.
local function lines(path)
  local all = {}
  for line in io.lines(path) do all[#all + 1] = line end
  return all
end

local pool, count, first = {}, 0, 0

function setup(thread) thread:set("seed", 1) end

function init()
  local file = lines(os.getenv("LOAD_FILE"))
  wrk.method = file[1]
  wrk.body = file[#file]
  for i = 2, #file - 1 do
    local name, value = file[i]:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  local refresh = os.getenv("LOAD_REFRESH")
  if refresh then pool = lines(refresh) end
end

function request()
  count = count + 1
  local body = wrk.body:gsub("@ID@", tostring(count))
  if #pool > 0 or body:find("@REFRESH@", 1, true) then
    body = body:gsub("@REFRESH@", function() return table.remove(pool) or "none" end)
  end
  return wrk.format(nil, nil, nil, body)
end

if os.getenv("LOAD_REFRESH") then
  response = function(status, _, body)
    local token = body:match('"refresh_token"%s*:%s*"([^"]+)"')
    if token then pool[#pool + 1] = token end
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests": %d, "micros": %d, "refused": %d, "broken": %d, "p50": %g, "p99": %g}\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
