-- Lists the leases of all nodes, expired ones included.
--
-- KEYS[1]  leases: a sorted set of nodes, scored by the end of their lease (ms)
-- Returns  { node, ms left (negative: ms since its end), … }

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local leases = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 2, #leases, 2 do leases[i] = leases[i] - now end
return leases
