-- Make a job that was never tried due now.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:attempts       hash, how often it was begun, by job
-- KEYS[3]  vm:{outbox}:leases         hash, who holds it, by job
-- KEYS[4]  vm:{outbox}:since          hash, when it was planned, by job
-- ARGV[1]  id   ARGV[2]  now
-- Returns 1, or 0 if it was tried, is just being sent, is dead or is not there. Repeating is harmless.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
local tried = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0)
if not due or tried > 0 or redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
    return 0
end
if tonumber(due) > tonumber(ARGV[2]) then
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
    redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])  -- where it stands behind another it is due so when that is done
end
return 1
