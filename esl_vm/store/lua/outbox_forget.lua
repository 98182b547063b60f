-- Drop a job unsent.
-- Begins with queue.lua.
-- KEYS[1]  vm:{outbox}:due:KIND       KEYS[2]  vm:{outbox}:dead   sorted sets
-- KEYS[3]  vm:{outbox}:jobs           KEYS[4]  vm:{outbox}:since     KEYS[5]  vm:{outbox}:attempts
-- KEYS[6]  vm:{outbox}:errors         KEYS[7]  vm:{outbox}:leases    KEYS[8]  vm:{outbox}:claims   hashes, see outbox_claim
-- KEYS[9]  vm:{outbox}:queues         hash, the key of the queue it stands in, by job
-- ARGV[1]  id
-- Returns 1, or 0 if there is no such job: repeating is harmless. One that is just being sent can't be called back.
leave(ARGV[1], KEYS[9], KEYS[1], KEYS[4])
local holder = redis.call('HGET', KEYS[7], ARGV[1])
if holder then
    redis.call('HDEL', KEYS[8], holder)
end
for index = 4, 7 do
    redis.call('HDEL', KEYS[index], ARGV[1])
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[3], ARGV[1])
