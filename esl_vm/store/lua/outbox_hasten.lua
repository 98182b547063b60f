-- Make a job that was never tried due now.
-- Begins with queue.lua.
-- ARGV[1]  id   ARGV[2]  now
-- Returns 1, or 0 if it was tried, is just being sent, is dead or is not there. Repeating is harmless.
local due = redis.call('ZSCORE', DUE, ARGV[1])
local tried = tonumber(redis.call('HGET', ATTEMPTS, ARGV[1]) or 0)
if not due or tried > 0 or redis.call('HEXISTS', LEASES, ARGV[1]) == 1 then
    return 0
end
if tonumber(due) > tonumber(ARGV[2]) then
    redis.call('ZADD', DUE, ARGV[2], ARGV[1])
    redis.call('HSET', SINCE, ARGV[1], ARGV[2])  -- where it stands behind another it is due so when that is done
end
return 1
