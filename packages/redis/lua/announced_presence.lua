-- Ends the wait of changes that were announced. A newer change of the same user stays unannounced.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  [{ userId, version }, …], as JSON
-- Returns  nothing

for _, announced in ipairs(cjson.decode(ARGV[2])) do
  local entry = find(announced.userId)
  if entry and entry.pending and entry.version <= announced.version then
    entry.pending = nil
    write(announced.userId, entry)
  end
end
