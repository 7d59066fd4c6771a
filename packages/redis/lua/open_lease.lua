-- Starts a node's lease.
--
-- KEYS[1]  leases: a sorted set of nodes, scored by the end of their lease (ms)
-- ARGV[1]  the node
-- ARGV[2]  the duration of the lease, in ms
-- Returns  nothing

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
