-- Try a dead or waiting job now; it has its whole time before it again.
-- Begins with queue.lua.
-- ARGV[1]  id   ARGV[2]  now
-- Returns 1, or 0 if there is no such job. One that is just being sent is left alone. Repeating is harmless.
local id = ARGV[1]
if redis.call('ZREM', DEAD, id) == 0 then
    if not redis.call('ZSCORE', DUE, id) then
        return 0
    end
    if redis.call('HEXISTS', LEASES, id) == 1 then
        return 1
    end
end
redis.call('ZADD', DUE, ARGV[2], id)
redis.call('HSET', SINCE, id, ARGV[2])
redis.call('HSET', ATTEMPTS, id, 0)
return 1
