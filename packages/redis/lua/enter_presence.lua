-- Records the first sessions of users on a node.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- KEYS[3]  the node's users: a set
-- KEYS[4]  a mark that the node was ended, with any value
-- ARGV[2]  the node
-- ARGV[3]  [{ userId, choice, choiceVersion, idleForMs }, …], as JSON
-- Returns  { change as JSON, … }; nil for an ended node, where no user entered

local node = ARGV[2]
-- No sweep would find users that enter an ended node.
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
