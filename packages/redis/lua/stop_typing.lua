-- Takes back the note that a user types in a room.
--
-- KEYS[1]  who types: a sorted set of user ids, scored by when the note runs out (ms)
-- KEYS[2]  since when: a hash from user id to ms
-- ARGV[1]  the user id
-- Returns  nothing

redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
