-- These changes were told. What changed again meanwhile stays pending.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  [{ userId, version }, …], as JSON
-- Returns  nothing

for _, told in ipairs(cjson.decode(ARGV[2])) do
  local entry = find(told.userId)
  if entry and entry.pending and entry.version <= told.version then
    entry.pending = nil
    write(told.userId, entry)
  end
end
