-- Removes the entries of typists in a room.
--
-- KEYS[1]  typists: a sorted set of user ids, scored by the end of their entry (ms)
-- KEYS[2]  starts: a hash from user id to the start (ms)
-- ARGV     the user ids
-- Returns  nothing

redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[2], unpack(ARGV))
