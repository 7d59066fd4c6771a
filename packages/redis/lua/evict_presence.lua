-- Has users of a node that is gone count there for some time more. To be repeated until nobody is left.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- KEYS[3]  the node's users: a set
-- KEYS[4]  that the node was evicted: there, or not
-- ARGV[2]  the node
-- ARGV[3]  for how long they count, in ms
-- ARGV[4]  how many users at most
-- ARGV[5]  for how long it is known that the node was evicted, in ms
-- Returns  how many users are left

redis.call('SET', KEYS[4], '', 'PX', ARGV[5])

local node, ends = ARGV[2], math.floor(now + ARGV[3])
for _, user in ipairs(redis.call('SPOP', KEYS[3], ARGV[4])) do
  local entry = find(user)
  if entry and entry.nodes[node] == NEVER then
    entry.nodes[node] = ends
    -- Also an end that has passed is for the next sweep: what is found here would have nobody to tell it.
    entry.dueAt = math.min(entry.dueAt, ends)
    write(user, entry)
  end
end
return redis.call('SCARD', KEYS[3])
