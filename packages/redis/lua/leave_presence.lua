-- Records that the last sessions of users on a node are closed. They count there for the grace.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- KEYS[3]  the node's users: a set
-- ARGV[2]  the node
-- ARGV[3]  [{ userId, idleForMs }, …], as JSON
-- Returns  { { change as JSON, … }, { id of a user without a session on any other node, … } }

local node = ARGV[2]
local changes, gone = {}, {}
for _, departure in ipairs(cjson.decode(ARGV[3])) do
  local user = departure.userId
  redis.call('SREM', KEYS[3], user)
  local entry = find(user)
  -- A repeated call, or one after the node was ended, must not prolong the grace.
  if entry and entry.nodes[node] == NEVER then
    act(entry, departure.idleForMs)
    entry.nodes[node] = now + timing.graceMs
    update(user, entry, changes)
  end
  if not entry or not hasSession(entry) then gone[#gone + 1] = user end
end
return { changes, gone }
