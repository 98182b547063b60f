-- A claimed job takes longer: nobody else may have it for another while.
-- Begins with queue.lua.
-- ARGV[1]  id   ARGV[2]  the claim's name   ARGV[3]  when the lease is over
-- Returns 1, or 0 if another holds it by now. Repeating is harmless.
if redis.call('HGET', CLAIMS, ARGV[2]) ~= ARGV[1] then
    return 0
end
redis.call('ZADD', DUE, ARGV[3], ARGV[1])
return 1
