-- Records that a user types in a room. A repeat prolongs the entry and keeps its start.
--
-- KEYS[1]  typists: a sorted set of user ids, scored by the end of their entry (ms)
-- KEYS[2]  starts: a hash from user id to the start (ms)
-- ARGV[1]  the user id
-- ARGV[2]  the duration of the entry, in ms
-- Returns  nothing

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])

-- Each start removes more entries than it adds, so that the set stays as small as the number of typists.
for _, user in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], user)
  redis.call('HDEL', KEYS[2], user)
end

local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now then redis.call('HSET', KEYS[2], ARGV[1], now) end
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])

-- Entries may last differently long: the keys live as long as the longest.
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
