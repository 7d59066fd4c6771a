-- Keeps users of a lost node online for a while more, some users per call. To be repeated until no user is left.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- KEYS[3]  the node's users: a set
-- KEYS[4]  a mark that the node was ended, with any value
-- ARGV[2]  the node
-- ARGV[3]  how long the users stay online, in ms
-- ARGV[4]  how many users at most
-- ARGV[5]  how long the mark is kept, in ms
-- Returns  the number of users that are left

redis.call('SET', KEYS[4], '', 'PX', ARGV[5])

local node, ends = ARGV[2], math.floor(now + ARGV[3])
for _, user in ipairs(redis.call('SPOP', KEYS[3], ARGV[4])) do
  local entry = find(user)
  if entry and entry.nodes[node] == NEVER then
    entry.nodes[node] = ends
    -- An end in the past also waits for the next sweep: its caller announces the change.
    entry.dueAt = math.min(entry.dueAt, ends)
    write(user, entry)
  end
end
return redis.call('SCARD', KEYS[3])
