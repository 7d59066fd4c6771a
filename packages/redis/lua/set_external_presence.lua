-- Records the presence of users in another system: it counts for a while, or ends.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  [{ userId, choice, choiceVersion, idleForMs, forMs }, …], as JSON
-- Returns  { change as JSON, … }

local changes = {}
for _, presence in ipairs(cjson.decode(ARGV[2])) do
  local entry = find(presence.userId) or presence.forMs > 0 and unknown()
  if entry then
    adopt(entry, presence.choice, presence.choiceVersion)
    -- Other systems are one entry among the nodes, under a name that no node has.
    entry.nodes.elsewhere = now + presence.forMs
    if presence.forMs > 0 then act(entry, presence.idleForMs) end
    update(presence.userId, entry, changes)
  end
end
return changes
