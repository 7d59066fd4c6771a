-- One user's presence. Not a script: it is put in front of the presence scripts (commands.ts, `load`), which share these two keys
-- and this argument. The steps are those of packages/core/src/presence/state.ts, under the same names.
--
-- KEYS[1]  presence: a hash from user id to entry, as JSON
-- KEYS[2]  due: a sorted set of user ids, scored by when their entry must be looked at again (ms)
-- ARGV[1]  { graceMs, idleMs, holdMs, keepMs }, as JSON
--
-- An entry; times are ms since the epoch:
--   nodes                  until when they count by each node: NEVER while they have a session there
--   heldUntil              until when they count by a choice made without a session
--   choice, choiceVersion  what they chose
--   mask                   while they chose appear_offline, { choice, heldUntil, ends }: what others would see without it, and
--                          until when they go on seeing that
--   activeAt, ownActiveAt  when they last did something, as others and as they themselves may know
--   own, shown, version    as told last, or about to be
--   keptUntil              while they do not count: until when they are remembered
--   dueAt                  when something of this changes by itself
--   pending                { toOthers, givenAt } until the last change was told: when somebody was last given it to tell

-- Has no end: beyond every moment, and a number that JSON keeps exactly.
local NEVER = 1e15
-- After so long, whoever was to tell a change is taken for dead.
local TAKEN_MS = 2000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local timing = cjson.decode(ARGV[1])

local function find(user)
  local json = redis.call('HGET', KEYS[1], user)
  return json and cjson.decode(json)
end

-- Somebody of whom nothing is known: older than any choice.
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

-- Until when they count unless something happens.
local function countsUntil(entry, heldUntil)
  local last = heldUntil
  for _, ends in pairs(entry.nodes) do last = math.max(last, ends) end
  return last
end

-- Whether some node has a session of theirs.
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
    -- Choosing it again does not begin it again.
    entry.mask = { choice = entry.choice, heldUntil = entry.heldUntil, ends = now + timing.graceMs }
  end
  entry.choice, entry.choiceVersion = choice, choiceVersion
end

-- A status, and when it changes by itself.
local function view(choice, countsUntil, activeAt)
  if countsUntil <= now then return 'offline', NEVER end
  local idleAt = choice == 'online' and activeAt and activeAt + timing.idleMs or NEVER
  if idleAt <= now then return 'idle', countsUntil end
  return choice, math.min(idleAt, countsUntil)
end

-- What others see of somebody who appears offline. Once that is offline it stays so, whoever comes.
local function masked(entry, sweep)
  local mask = entry.mask
  if entry.shown == 'offline' or (sweep and mask.ends <= now) then return 'offline', NEVER end
  local seen, ends = view(mask.choice, countsUntil(entry, mask.heldUntil), entry.activeAt)
  if not sweep and seen ~= entry.shown then return entry.shown, now end
  return seen, math.min(mask.ends, ends)
end

-- Brings an entry up to date; returns whether that is a change. While somebody appears offline, only time changes what others
-- see, and only a sweep says so: otherwise what a hidden user does would show in the moment at which they seem to go.
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
  local due = math.min(entry.dueAt, entry.pending and entry.pending.givenAt + TAKEN_MS or NEVER)
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

-- The pending change of an entry, as JSON.
local function changeOf(user, entry)
  local change = rowOf(user, entry)
  change.toOthers = entry.pending.toOthers
  return cjson.encode(change)
end

-- Brings an entry up to date after something happened to it, and writes it; a change is added to `changes`.
local function update(user, entry, changes)
  if settle(entry, false) then changes[#changes + 1] = changeOf(user, entry) end
  write(user, entry)
end
