-- Takes tokens from a user's bucket. Its only state is the moment at which it is full again; a missing bucket is full.
--
-- KEYS[1]  the bucket: that moment, in ms
-- ARGV[1]  how many tokens are wanted
-- ARGV[2]  tokens that come back per second
-- ARGV[3]  tokens that the bucket holds
-- Returns  { granted, ms until the next token is available }

local wanted, burst = tonumber(ARGV[1]), tonumber(ARGV[3])
local each = 1000 / tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
-- After the clock was set back, the wait is no longer than an empty bucket takes to fill.
local missing = math.min(math.max(0, tonumber(redis.call('GET', KEYS[1]) or 0) - now), burst * each)

-- A thousandth of a millisecond is allowed for rounding of fractions.
local granted = math.min(wanted, math.floor(burst - (missing - 0.001) / each))
missing = missing + granted * each

if granted > 0 then
  -- Formatted here, because tostring() keeps 14 digits: tens of milliseconds of a date.
  redis.call('SET', KEYS[1], string.format('%.3f', now + missing), 'PX', math.ceil(missing) + 1)
end
return { granted, math.max(0, math.ceil(missing - (burst - 1) * each - 0.001)) }
