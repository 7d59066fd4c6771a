-- Lists who types in a room now.
--
-- KEYS[1]  who types: a sorted set of user ids, scored by when the note runs out (ms)
-- KEYS[2]  since when: a hash from user id to ms
-- Returns  { user id, started at (ms), ms left, user id, … }, in no order

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local notes = redis.call('ZRANGE', KEYS[1], '(' .. now, '+inf', 'BYSCORE', 'WITHSCORES')
local list = {}
for i = 1, #notes, 2 do
  local started = tonumber(redis.call('HGET', KEYS[2], notes[i]) or now)
  list[#list + 1] = notes[i]
  list[#list + 1] = started
  list[#list + 1] = tonumber(notes[i + 1]) - now
end
return list
