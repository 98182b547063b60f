-- Put in a job, behind the others of its mailbox.
-- Begins with queue.lua.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:jobs           hash, what is to be sent, by job
-- KEYS[3]  vm:{outbox}:since          hash, when it was planned, epoch seconds, by job
-- KEYS[4]  vm:{outbox}:done           sorted set, jobs that were done by when
-- KEYS[5]  vm:{outbox}:queues         hash, the key of the queue it stands in, by job
-- KEYS[6]  vm:{outbox}:queue:KIND:BOX list, the mailbox's jobs of that kind in the order they came
-- ARGV[1]  id   ARGV[2]  due   ARGV[3]  planned   ARGV[4]  what is to be sent
-- Returns 1, or 0 if it is there or was done: repeating is harmless.
if redis.call('ZSCORE', KEYS[4], ARGV[1]) or redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[4]) == 0 then
    return 0
end
local first = first_of(KEYS[6], KEYS[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
redis.call('RPUSH', KEYS[6], ARGV[1])
redis.call('HSET', KEYS[5], ARGV[1], KEYS[6])
redis.call('ZADD', KEYS[1], first and ARGV[2] + BEHIND_S or ARGV[2], ARGV[1])
return 1
