-- Try a claimed job again later, or keep it as dead.
-- Begins with queue.lua.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:jobs           hash, what is to be sent, by job
-- KEYS[3]  vm:{outbox}:attempts       hash, how often it was begun, by job
-- KEYS[4]  vm:{outbox}:errors         hash, why the last attempt failed, by job
-- KEYS[5]  vm:{outbox}:leases         hash, who holds it, by job
-- KEYS[6]  vm:{outbox}:claims         hash, the job, by who holds it
-- KEYS[7]  vm:{outbox}:dead           sorted set, jobs given up by when
-- KEYS[8]  vm:{outbox}:since          hash, when it was planned, by job
-- KEYS[9]  vm:{outbox}:queues         hash, the key of the queue it stands in, by job
-- ARGV[1]  id   ARGV[2]  the claim's name   ARGV[3]  what is to be sent   ARGV[4]  why it failed
-- ARGV[5]  when to try again, `` = never: it is dead   ARGV[6]  now   ARGV[7]  0 if it was not really tried, else 1
-- ARGV[8]  until when jobs must have died to be forgotten, a hundred at a time
-- ARGV[9]  1 if the others of its mailbox need not wait for it, else 0
-- Returns 1, or 0 if another holds it by now. Repeating is harmless: it is not held any more, which returns 0.
if redis.call('HGET', KEYS[6], ARGV[2]) ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[4])
if ARGV[7] == '0' then
    redis.call('HINCRBY', KEYS[3], ARGV[1], -1)
end
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('HDEL', KEYS[6], ARGV[2])
if ARGV[5] == '' or ARGV[9] == '1' then
    leave(ARGV[1], KEYS[9], KEYS[1], KEYS[8])
end
if ARGV[5] == '' then
    redis.call('ZREM', KEYS[1], ARGV[1])
    redis.call('ZADD', KEYS[7], ARGV[6], ARGV[1])
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[7], '-inf', ARGV[8], 'LIMIT', 0, 100)) do
        redis.call('ZREM', KEYS[7], old)
        for _, key in ipairs({KEYS[2], KEYS[3], KEYS[4], KEYS[8]}) do
            redis.call('HDEL', key, old)
        end
    end
else
    redis.call('ZADD', KEYS[1], ARGV[5], ARGV[1])
end
return 1
