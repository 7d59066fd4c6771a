-- Records activity; ignores users that do not count.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  [{ userId, idleForMs }, …], as JSON
-- Returns  { change as JSON, … }

local changes = {}
for _, activity in ipairs(cjson.decode(ARGV[2])) do
  local entry = find(activity.userId)
  if entry and countsUntil(entry, entry.heldUntil) > now then
    act(entry, activity.idleForMs)
    update(activity.userId, entry, changes)
  end
end
return changes
