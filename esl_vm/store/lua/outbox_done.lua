-- A claimed job was sent: forget it, remember its id.
-- Begins with queue.lua.
-- ARGV[1]  id   ARGV[2]  the claim's name   ARGV[3]  now   ARGV[4]  until when done ids are forgotten
-- Returns 1, or 0 if another holds it by now. Repeating is harmless.
if redis.call('HGET', CLAIMS, ARGV[2]) ~= ARGV[1] then
    return redis.call('ZSCORE', DONE, ARGV[1]) and 1 or 0
end
drop(ARGV[1])
redis.call('ZREMRANGEBYSCORE', DONE, '-inf', ARGV[4])
redis.call('ZADD', DONE, ARGV[3], ARGV[1])
return 1
