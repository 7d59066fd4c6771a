-- Records a user's choice. For a user without a session on a live node it counts as one for a while.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  { userId, choice, choiceVersion }, as JSON
-- ARGV[3]  [live node, …], as JSON
-- Returns  { row as JSON, { change as JSON, at most one } }

local chosen = cjson.decode(ARGV[2])
local user = chosen.userId
local entry = find(user) or unknown()
local changes = {}

-- The same version again is a repeat, or came with an arrival before this call.
if chosen.choiceVersion >= entry.choiceVersion then
  local here = false
  for _, node in ipairs(cjson.decode(ARGV[3])) do
    here = here or entry.nodes[node] == NEVER
  end
  adopt(entry, chosen.choice, chosen.choiceVersion)
  -- Set after `adopt` made the mask: the choice to be hidden does not prolong what other users see.
  if not here then entry.heldUntil = now + timing.holdMs end
  if chosen.choice ~= 'appear_offline' then act(entry, 0) end
  update(user, entry, changes)
end
return { cjson.encode(rowOf(user, entry)), changes }
