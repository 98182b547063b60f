-- Claim the job that has been due longest of those that are first of their mailbox: until its lease is over it is due to
-- nobody else.
-- Begins with queue.lua.
-- ARGV[1]  now   ARGV[2]  when the lease is over   ARGV[3]  the claim's own name, made up for it
-- Returns nothing if none is due; else id, what is to be sent, planned, attempts, error.
-- Repeating with the same name returns the same job.
local id = redis.call('HGET', CLAIMS, ARGV[3])
if not id then
    for _ = 1, 1000 do
        id = redis.call('ZRANGEBYSCORE', DUE, '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
        local queue = id and redis.call('HGET', QUEUES, id)
        local first = queue and first_of(queue)
        if not first or first == id then
            break
        end
        -- After a long outage those behind are overdue, too, by thousands: the first goes at once if it may.
        if tonumber(redis.call('ZSCORE', DUE, first)) <= tonumber(ARGV[1]) then
            id = first
            break
        end
        redis.call('ZADD', DUE, ARGV[1] + BEHIND_S, id)
        id = nil
    end
    if not id then
        return false
    end
    let_go(id)  -- its process died, or was too slow
    redis.call('ZADD', DUE, ARGV[2], id)
    redis.call('HSET', LEASES, id, ARGV[3])
    redis.call('HSET', CLAIMS, ARGV[3], id)
    redis.call('HINCRBY', ATTEMPTS, id, 1)
end
return {
    id, redis.call('HGET', JOBS, id), redis.call('HGET', SINCE, id), redis.call('HGET', ATTEMPTS, id),
    redis.call('HGET', ERRORS, id) or '',
}
