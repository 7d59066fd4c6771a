-- What is known of these users. Only fetched here: what it means is worked out by whoever asks, of whom there may be many.
--
-- KEYS[1]  presence: a hash from user id to entry, as JSON; see presence.lua
-- ARGV     user ids
-- Returns  { now (ms), { entry as JSON or nil, … in the order of the ids } }

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

return { now, redis.call('HMGET', KEYS[1], unpack(ARGV)) }
