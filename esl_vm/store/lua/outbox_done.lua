-- A claimed job was sent: forget it, remember its id.
-- Begins with queue.lua.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:jobs           KEYS[3]  vm:{outbox}:since     KEYS[4]  vm:{outbox}:attempts
-- KEYS[5]  vm:{outbox}:errors         KEYS[6]  vm:{outbox}:leases    KEYS[7]  vm:{outbox}:claims   hashes, see outbox_claim
-- KEYS[8]  vm:{outbox}:queues         hash, the key of the queue it stands in, by job
-- KEYS[9]  vm:{outbox}:done           sorted set, jobs that were done by when
-- ARGV[1]  id   ARGV[2]  the claim's name   ARGV[3]  now   ARGV[4]  until when done ids are forgotten
-- Returns 1, or 0 if another holds it by now. Repeating is harmless.
if redis.call('HGET', KEYS[7], ARGV[2]) ~= ARGV[1] then
    return redis.call('ZSCORE', KEYS[9], ARGV[1]) and 1 or 0
end
leave(ARGV[1], KEYS[8], KEYS[1], KEYS[3])
redis.call('ZREM', KEYS[1], ARGV[1])
for index = 2, 6 do
    redis.call('HDEL', KEYS[index], ARGV[1])
end
redis.call('HDEL', KEYS[7], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[9], '-inf', ARGV[4])
redis.call('ZADD', KEYS[9], ARGV[3], ARGV[1])
return 1
