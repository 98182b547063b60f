-- Claim the job that has been due longest of those that are first of their mailbox: until its lease is over it is due to
-- nobody else.
-- Begins with queue.lua.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:jobs           hash, what is to be sent, by job
-- KEYS[3]  vm:{outbox}:since          hash, when it was planned, by job
-- KEYS[4]  vm:{outbox}:attempts       hash, how often it was begun, by job
-- KEYS[5]  vm:{outbox}:errors         hash, why the last attempt failed, by job
-- KEYS[6]  vm:{outbox}:leases         hash, who holds it, by job
-- KEYS[7]  vm:{outbox}:claims         hash, the job, by who holds it
-- KEYS[8]  vm:{outbox}:queues         hash, the key of the queue it stands in, by job
-- ARGV[1]  now   ARGV[2]  when the lease is over   ARGV[3]  the claim's own name, made up for it
-- Returns nothing if none is due; else id, what is to be sent, planned, attempts, error.
-- Repeating with the same name returns the same job.
local id = redis.call('HGET', KEYS[7], ARGV[3])
if not id then
    for _ = 1, 1000 do
        id = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
        local queue = id and redis.call('HGET', KEYS[8], id)
        local first = queue and first_of(queue, KEYS[1])
        if not first or first == id then
            break
        end
        -- After a long outage those behind are overdue, too, by thousands: the first goes at once if it may.
        if tonumber(redis.call('ZSCORE', KEYS[1], first)) <= tonumber(ARGV[1]) then
            id = first
            break
        end
        redis.call('ZADD', KEYS[1], ARGV[1] + BEHIND_S, id)
        id = nil
    end
    if not id then
        return false
    end
    local holder = redis.call('HGET', KEYS[6], id)
    if holder then
        redis.call('HDEL', KEYS[7], holder)  -- its process died, or was too slow
    end
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    redis.call('HSET', KEYS[6], id, ARGV[3])
    redis.call('HSET', KEYS[7], ARGV[3], id)
    redis.call('HINCRBY', KEYS[4], id, 1)
end
return {
    id, redis.call('HGET', KEYS[2], id), redis.call('HGET', KEYS[3], id), redis.call('HGET', KEYS[4], id),
    redis.call('HGET', KEYS[5], id) or '',
}
