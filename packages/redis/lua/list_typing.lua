-- Lists the typists of a room.
--
-- KEYS[1]  typists: a sorted set of user ids, scored by the end of their entry (ms)
-- KEYS[2]  starts: a hash from user id to the start (ms)
-- Returns  { user id, started at (ms), ms left, user id, … }, in no order

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local entries = redis.call('ZRANGE', KEYS[1], '(' .. now, '+inf', 'BYSCORE', 'WITHSCORES')
local list = {}
for i = 1, #entries, 2 do
  local started = tonumber(redis.call('HGET', KEYS[2], entries[i]) or now)
  list[#list + 1] = entries[i]
  list[#list + 1] = started
  list[#list + 1] = tonumber(entries[i + 1]) - now
end
return list
