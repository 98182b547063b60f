-- Put in a job, behind the others of its mailbox.
-- Begins with queue.lua.
-- KEYS[11]  vm:{outbox}:queue:KIND:BOX list, the mailbox's jobs of that kind in the order they came
-- ARGV[1]  id   ARGV[2]  due   ARGV[3]  planned   ARGV[4]  what is to be sent
-- Returns 1, or 0 if it is there or was done: repeating is harmless.
if redis.call('ZSCORE', DONE, ARGV[1]) or redis.call('HSETNX', JOBS, ARGV[1], ARGV[4]) == 0 then
    return 0
end
local first = first_of(KEYS[11])
redis.call('HSET', SINCE, ARGV[1], ARGV[3])
redis.call('RPUSH', KEYS[11], ARGV[1])
redis.call('HSET', QUEUES, ARGV[1], KEYS[11])
redis.call('ZADD', DUE, first and ARGV[2] + BEHIND_S or ARGV[2], ARGV[1])
return 1
