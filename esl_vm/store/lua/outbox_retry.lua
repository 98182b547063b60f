-- Try a dead or waiting job now; it has its whole time before it again.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:since          hash, when it was planned, by job
-- KEYS[3]  vm:{outbox}:attempts       hash, how often it was begun, by job
-- KEYS[4]  vm:{outbox}:leases         hash, who holds it, by job
-- KEYS[5]  vm:{outbox}:dead           sorted set, jobs given up by when
-- ARGV[1]  id   ARGV[2]  now
-- Returns 1, or 0 if there is no such job. One that is just being sent is left alone. Repeating is harmless.
local id = ARGV[1]
if redis.call('ZREM', KEYS[5], id) == 0 then
    if not redis.call('ZSCORE', KEYS[1], id) then
        return 0
    end
    if redis.call('HEXISTS', KEYS[4], id) == 1 then
        return 1
    end
end
redis.call('ZADD', KEYS[1], ARGV[2], id)
redis.call('HSET', KEYS[2], id, ARGV[2])
redis.call('HSET', KEYS[3], id, 0)
return 1
