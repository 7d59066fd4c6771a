-- One user's presence. Not a script of its own: `load` in commands.ts puts it before the presence scripts, which share these two
-- keys and this argument. The functions are those of packages/core/src/presence/state.ts, under the same names.
--
-- KEYS[1]  presence: a hash from user id to entry, as JSON
-- KEYS[2]  due: a sorted set of user ids, scored by the moment of their entry's next update (ms)
-- ARGV[1]  { graceMs, idleMs, holdMs, keepMs }, as JSON
--
-- An entry; times are ms since the epoch:
--   nodes                  by node, the end of the user's presence there: NEVER while they have a session
--   heldUntil              the end of a choice that was made without a session
--   choice, choiceVersion  the last choice
--   mask                   with the choice appear_offline, { choice, heldUntil, ends }: the state that other users see until `ends`
--   activeAt, ownActiveAt  the last activity, for other users and for the user's own sessions
--   own, shown, version    the last change, announced or about to be
--   keptUntil              of a user that does not count, the moment at which they are forgotten
--   dueAt                  the moment at which the entry changes by itself
--   pending                { toOthers, givenAt } while the last change is unannounced; givenAt is when a caller last received it

-- "No end": beyond every moment, and a number that JSON keeps exactly.
local NEVER = 1e15
-- The time after which a change goes to another caller: the first one is taken for dead.
local RETRY_MS = 2000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local timing = cjson.decode(ARGV[1])

local function find(user)
  local json = redis.call('HGET', KEYS[1], user)
  return json and cjson.decode(json)
end

-- An unknown user: offline, with a choice older than any.
local function unknown()
  return {
    nodes = {},
    heldUntil = 0,
    choice = 'online',
    choiceVersion = -1,
    own = 'offline',
    shown = 'offline',
    version = 0,
    dueAt = NEVER,
  }
end

-- The end of the user's presence, unless a call prolongs it.
local function countsUntil(entry, heldUntil)
  local last = heldUntil
  for _, ends in pairs(entry.nodes) do last = math.max(last, ends) end
  return last
end

-- True when some node has a session of the user.
local function hasSession(entry)
  return countsUntil(entry, 0) == NEVER
end

local function act(entry, idleForMs)
  local at = math.floor(now - idleForMs)
  entry.ownActiveAt = math.max(entry.ownActiveAt or 0, at)
  if entry.choice ~= 'appear_offline' then entry.activeAt = math.max(entry.activeAt or 0, at) end
end

local function adopt(entry, choice, choiceVersion)
  if choiceVersion <= entry.choiceVersion then return end
  if choice ~= 'appear_offline' then
    entry.mask = nil
  elseif not entry.mask then
    -- A repeated choice keeps the mask of the first.
    entry.mask = { choice = entry.choice, heldUntil = entry.heldUntil, ends = now + timing.graceMs }
  end
  entry.choice, entry.choiceVersion = choice, choiceVersion
end

-- The status of a choice, and the moment at which it changes by itself.
local function view(choice, countsUntil, activeAt)
  if countsUntil <= now then return 'offline', NEVER end
  local idleAt = choice == 'online' and activeAt and activeAt + timing.idleMs or NEVER
  if idleAt <= now then return 'idle', countsUntil end
  return choice, math.min(idleAt, countsUntil)
end

-- The status that other users see of a user that appears offline. Once offline it stays so, also when the user comes back.
local function masked(entry, sweep)
  local mask = entry.mask
  if entry.shown == 'offline' or (sweep and mask.ends <= now) then return 'offline', NEVER end
  local seen, ends = view(mask.choice, countsUntil(entry, mask.heldUntil), entry.activeAt)
  if not sweep and seen ~= entry.shown then return entry.shown, now end
  return seen, math.min(mask.ends, ends)
end

-- Updates an entry; returns true for a change. While a user appears offline, only time changes what other users see, and only in
-- a sweep: otherwise the moment at which they seem to go would reveal what a hidden user does.
local function settle(entry, sweep)
  for node, ends in pairs(entry.nodes) do
    if ends <= now then entry.nodes[node] = nil end
  end
  local own, ownEnds = view(entry.choice, countsUntil(entry, entry.heldUntil), entry.ownActiveAt)
  local shown, shownEnds = own, ownEnds
  if entry.mask then shown, shownEnds = masked(entry, sweep) end
  local changed = own ~= entry.own or shown ~= entry.shown
  if changed then
    entry.version = math.max(entry.version + 1, now)
    local owed = entry.pending and entry.pending.toOthers or false
    entry.pending = { toOthers = owed or shown ~= entry.shown, givenAt = now }
  end
  entry.own, entry.shown = own, shown
  entry.keptUntil = own == 'offline' and (entry.keptUntil or now + timing.keepMs) or nil
  entry.dueAt = math.min(ownEnds, shownEnds, entry.keptUntil or NEVER)
  return changed
end

local function write(user, entry)
  redis.call('HSET', KEYS[1], user, cjson.encode(entry))
  local due = math.min(entry.dueAt, entry.pending and entry.pending.givenAt + RETRY_MS or NEVER)
  if due == NEVER then redis.call('ZREM', KEYS[2], user) else redis.call('ZADD', KEYS[2], due, user) end
end

local function rowOf(user, entry)
  return {
    userId = user,
    own = entry.own,
    shown = entry.shown,
    activeAt = entry.activeAt or cjson.null,
    ownActiveAt = entry.ownActiveAt or cjson.null,
    version = entry.version,
  }
end

-- The unannounced change of an entry, as JSON.
local function changeOf(user, entry)
  local change = rowOf(user, entry)
  change.toOthers = entry.pending.toOthers
  return cjson.encode(change)
end

-- Updates an entry after a call changed it, and writes it; adds a change to `changes`.
local function update(user, entry, changes)
  if settle(entry, false) then changes[#changes + 1] = changeOf(user, entry) end
  write(user, entry)
end
