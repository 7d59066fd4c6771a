-- Another system says that these users are there for a while, or no longer.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  [{ userId, choice, choiceVersion, idleForMs, forMs }, …], as JSON
-- Returns  { change as JSON, … }

local changes = {}
for _, word in ipairs(cjson.decode(ARGV[2])) do
  local entry = find(word.userId) or word.forMs > 0 and unknown()
  if entry then
    adopt(entry, word.choice, word.choiceVersion)
    -- Stands for other systems among the nodes that have somebody. No node is called so.
    entry.nodes.elsewhere = now + word.forMs
    if word.forMs > 0 then act(entry, word.idleForMs) end
    update(word.userId, entry, changes)
  end
end
return changes
