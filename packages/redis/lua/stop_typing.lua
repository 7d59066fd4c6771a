-- Takes back the notes that users type in a room.
--
-- KEYS[1]  who types: a sorted set of user ids, scored by when the note runs out (ms)
-- KEYS[2]  since when: a hash from user id to ms
-- ARGV     the user ids
-- Returns  nothing

redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[2], unpack(ARGV))
