-- These users have a first session on a node.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- KEYS[3]  the node's users: a set
-- KEYS[4]  that the node was evicted: there, or not
-- ARGV[2]  the node
-- ARGV[3]  [{ userId, choice, choiceVersion, idleForMs }, …], as JSON
-- Returns  { change as JSON, … }; nil when the node was evicted: nobody entered

local node = ARGV[2]
-- Nobody would look any more for users who come to a node after it was evicted.
if redis.call('EXISTS', KEYS[4]) == 1 then return false end

local changes = {}
for _, arrival in ipairs(cjson.decode(ARGV[3])) do
  local user = arrival.userId
  local entry = find(user) or unknown()
  redis.call('SADD', KEYS[3], user)
  entry.nodes[node] = NEVER
  adopt(entry, arrival.choice, arrival.choiceVersion)
  act(entry, arrival.idleForMs)
  update(user, entry, changes)
end
return changes
