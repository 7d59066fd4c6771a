-- Forgets a node.
--
-- KEYS[1]  leases: a sorted set of nodes, scored by the end of their lease (ms)
-- KEYS[2]  claims: a sorted set of nodes with an expired lease, scored by the end of the claim on them (ms)
-- ARGV[1]  the node
-- Returns  nothing

redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
