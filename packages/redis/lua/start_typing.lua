-- Notes that a user types in a room for some time more. A repeat keeps the moment of the start.
--
-- KEYS[1]  who types: a sorted set of user ids, scored by when the note runs out (ms)
-- KEYS[2]  since when: a hash from user id to ms
-- ARGV[1]  the user id
-- ARGV[2]  how long the note lasts, in ms
-- Returns  nothing

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[2])

-- Every start clears away more than it adds, so that a busy room's set stays as small as the number who type.
for _, user in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], user)
  redis.call('HDEL', KEYS[2], user)
end

local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now then redis.call('HSET', KEYS[2], ARGV[1], now) end
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])

-- Notes of different lengths meet here: the keys live as long as the longest.
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
