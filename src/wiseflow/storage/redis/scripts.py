"""The verbs of shared limits as Lua scripts, which Redis runs one at a time, by its own clock.

They do what ``core.lending`` does; one contract suite holds them to it. A number goes in and out as
text, as Redis cuts Lua's numbers to whole ones.

Source: https://redis.io/docs/latest/develop/programmability/lua-api/
"""

from __future__ import annotations

_TIME = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local function text(number) return string.format('%.17g', number) end
local function keep(key, seconds) redis.call('PEXPIRE', key, math.ceil(seconds * 1000) + 1000) end
"""

# A loan is a member ``number:holder:amount`` of a sorted set by the time it was lent at.
_LOANS = """
local function amount_of(member) return tonumber(string.match(member, ':([^:]*)$')) end
"""

# KEYS: for each thing asked for its loans, pause and found limit; then the counter of loans.
# ARGV: the holder; for each thing its window, limit ('' when not known), least and most.
LEASE = (
    _TIME
    + _LOANS
    + """
local rounding = 0.000001
local count = (#KEYS - 1) / 3
local retry, amounts, used, found = 0, {}, {}, {}
for i = 1, count do
  local loans = KEYS[3 * i - 2]
  local window, limit = tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local least, most = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  redis.call('ZREMRANGEBYSCORE', loans, '-inf', text(now - window))
  local lent = redis.call('ZRANGE', loans, 0, -1, 'WITHSCORES')
  used[i] = 0
  for j = 1, #lent, 2 do used[i] = used[i] + amount_of(lent[j]) end
  if not limit then
    amounts[i] = most
  else
    local room = limit - used[i]
    least = math.min(least, limit)
    if room + rounding >= least then
      amounts[i] = math.max(least, math.min(most, room))
    else
      local wait = window
      for j = 1, #lent, 2 do
        room = room + amount_of(lent[j])
        if room + rounding >= least then wait = tonumber(lent[j + 1]) + window - now break end
      end
      retry = math.max(retry, wait)
      amounts[i] = 0
    end
  end
  retry = math.max(retry, (tonumber(redis.call('GET', KEYS[3 * i - 1]) or '0')) - now)
  found[i] = redis.call('GET', KEYS[3 * i]) or ''
end
local answer = { text(retry) }
for i = 1, count do
  local amount = 0
  if retry <= 0 then
    amount = amounts[i]
    local member = redis.call('INCR', KEYS[#KEYS]) .. ':' .. ARGV[1] .. ':' .. text(amount)
    redis.call('ZADD', KEYS[3 * i - 2], text(now), member)
    keep(KEYS[3 * i - 2], tonumber(ARGV[4 * i - 2]))
  end
  table.insert(answer, text(amount))
  table.insert(answer, text(used[i] + amount))
  table.insert(answer, found[i])
end
return answer
"""
)

# KEYS: the loans of each limit. ARGV: the holder, then the amount of each.
GIVE_BACK = (
    _TIME
    + _LOANS
    + """
for i = 1, #KEYS do
  local amount = tonumber(ARGV[i + 1])
  local lent = redis.call('ZREVRANGE', KEYS[i], 0, -1, 'WITHSCORES')
  for j = 1, #lent, 2 do
    local number, holder = string.match(lent[j], '^([^:]*):(.*):[^:]*$')
    if amount > 0 and holder == ARGV[1] then
      local had = amount_of(lent[j])
      local back = math.min(had, amount)
      amount = amount - back
      redis.call('ZREM', KEYS[i], lent[j])
      local member = number .. ':' .. holder .. ':' .. text(had - back)
      redis.call('ZADD', KEYS[i], lent[j + 1], member)
    end
  end
end
"""
)

# KEYS: the slots of a key, a hash of ``held:wanted:until`` by holder.
# ARGV: the holder, how many it uses and wants, the limit, and for how many seconds.
HOLD = (
    _TIME
    + """
local in_use, wanted = tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('HDEL', KEYS[1], ARGV[1])
local slots = redis.call('HGETALL', KEYS[1])
local free, others, alive, latest = limit, 0, {}, now + ttl
for i = 1, #slots, 2 do
  local held, want, till = string.match(slots[i + 1], '^(.*):(.*):(.*)$')
  if tonumber(till) <= now then
    redis.call('HDEL', KEYS[1], slots[i])
  else
    others = others + 1
    alive[others] = { tonumber(held), tonumber(want) }
    free = free - tonumber(held)
    latest = math.max(latest, tonumber(till))
  end
end
if wanted == 0 then return 0 end
local part, most = math.ceil(limit / (1 + others)), limit
for _, one in ipairs(alive) do
  if one[1] < math.min(one[2], part) then most = part end
end
local count = math.min(math.max(0, free), math.max(in_use, math.min(wanted, most)))
redis.call('HSET', KEYS[1], ARGV[1], count .. ':' .. wanted .. ':' .. text(now + ttl))
keep(KEYS[1], latest - now)
return count
"""
)

# KEYS: the pause of a key. ARGV: for how many seconds.
PAUSE = (
    _TIME
    + """
local till = now + tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1]) or '0') < till then
  redis.call('SET', KEYS[1], text(till))
  keep(KEYS[1], tonumber(ARGV[1]))
end
"""
)
