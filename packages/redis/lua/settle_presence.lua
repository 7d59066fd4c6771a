-- Updates the users that are due, and forgets users that have been offline for long.
--
-- KEYS[1], KEYS[2], ARGV[1]  see presence.lua
-- ARGV[2]  how many users at most
-- Returns  { change as JSON, … }: the changes of this call, and changes that their callers should have announced by now

local changes = {}
for _, user in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  local entry = find(user)
  local changed = entry and settle(entry, true)
  local pending = entry and entry.pending
  if pending and (changed or pending.givenAt + RETRY_MS <= now) then
    pending.givenAt = now
    changes[#changes + 1] = changeOf(user, entry)
  end
  -- A user is forgotten only after their going offline was announced.
  if entry and (pending or (entry.keptUntil or NEVER) > now) then
    write(user, entry)
  else
    redis.call('HDEL', KEYS[1], user)
    redis.call('ZREM', KEYS[2], user)
  end
end
return changes
