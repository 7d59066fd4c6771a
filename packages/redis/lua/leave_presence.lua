-- The last session of these users on a node is closed: they count there for the grace.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- KEYS[3]  the node's users: a set
-- ARGV[2]  the node
-- ARGV[3]  [{ userId, idleForMs }, …], as JSON
-- Returns  { { change as JSON, … }, { id of a user who has no session elsewhere either, … } }

local node = ARGV[2]
local changes, gone = {}, {}
for _, departure in ipairs(cjson.decode(ARGV[3])) do
  local user = departure.userId
  redis.call('SREM', KEYS[3], user)
  local entry = find(user)
  -- A repeat, or an eviction before, must not prolong the grace.
  if entry and entry.nodes[node] == NEVER then
    act(entry, departure.idleForMs)
    entry.nodes[node] = now + timing.graceMs
    update(user, entry, changes)
  end
  if not entry or not hasSession(entry) then gone[#gone + 1] = user end
end
return { changes, gone }
