-- Forgets a node.
--
-- KEYS[1]  leases: a sorted set of nodes, scored by when their lease ends (ms)
-- KEYS[2]  claims: a sorted set of nodes whose lease has run out, scored by when the claim on them ends (ms)
-- ARGV[1]  the node
-- Returns  nothing

redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
