-- Renews a node's lease, also an expired one that no other node claimed.
--
-- KEYS[1]  leases: a sorted set of nodes, scored by the end of their lease (ms)
-- KEYS[2]  claims: a sorted set of nodes with an expired lease, scored by the end of the claim on them (ms)
-- ARGV[1]  the node
-- ARGV[2]  the duration of the lease, in ms
-- ARGV[3]  how many expired nodes at most
-- Returns  { 1 when the lease is held, else 0, { expired node without a claim, ms since its lease ended, … } }

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local held = redis.call('ZSCORE', KEYS[1], ARGV[1]) and not redis.call('ZSCORE', KEYS[2], ARGV[1])
if held then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end

local expired = {}
local ended = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[3], 'WITHSCORES')
for i = 1, #ended, 2 do
  local claimEnds = tonumber(redis.call('ZSCORE', KEYS[2], ended[i]) or 0)
  if claimEnds <= now and ended[i] ~= ARGV[1] then
    expired[#expired + 1] = ended[i]
    expired[#expired + 1] = now - ended[i + 1]
  end
end
return { held and 1 or 0, expired }
