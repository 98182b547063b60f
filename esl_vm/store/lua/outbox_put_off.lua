-- Try a claimed job again later, or keep it as dead.
-- Begins with queue.lua.
-- ARGV[1]  id   ARGV[2]  the claim's name   ARGV[3]  what is to be sent   ARGV[4]  why it failed
-- ARGV[5]  when to try again, `` = never: it is dead   ARGV[6]  now   ARGV[7]  0 if it was not really tried, else 1
-- ARGV[8]  until when jobs must have died to be forgotten, a hundred at a time
-- ARGV[9]  1 if the others of its mailbox need not wait for it, else 0
-- Returns 1, or 0 if another holds it by now. Repeating is harmless: it is not held any more, which returns 0.
if redis.call('HGET', CLAIMS, ARGV[2]) ~= ARGV[1] then
    return 0
end
redis.call('HSET', JOBS, ARGV[1], ARGV[3])
redis.call('HSET', ERRORS, ARGV[1], ARGV[4])
if ARGV[7] == '0' then
    redis.call('HINCRBY', ATTEMPTS, ARGV[1], -1)
end
let_go(ARGV[1])
if ARGV[5] == '' or ARGV[9] == '1' then
    leave(ARGV[1])
end
if ARGV[5] == '' then
    redis.call('ZREM', DUE, ARGV[1])
    redis.call('ZADD', DEAD, ARGV[6], ARGV[1])
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', DEAD, '-inf', ARGV[8], 'LIMIT', 0, 100)) do
        drop(old)
    end
else
    redis.call('ZADD', DUE, ARGV[5], ARGV[1])
end
return 1
