-- Claims a node with an expired lease, unless another claim still lasts.
--
-- KEYS[1]  leases: a sorted set of nodes, scored by the end of their lease (ms)
-- KEYS[2]  claims: a sorted set of nodes with an expired lease, scored by the end of the claim on them (ms)
-- ARGV[1]  the node
-- ARGV[2]  the duration of the claim, in ms
-- Returns  1 when the claim succeeded, else 0

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local leaseEnds = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or math.huge)
local claimEnds = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0)
if leaseEnds > now or claimEnds > now then return 0 end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
return 1
