-- A claimed job takes longer: nobody else may have it for another while.
-- KEYS[1]  vm:{outbox}:due:KIND       sorted set, jobs of that kind by when they are to be tried, epoch seconds
-- KEYS[2]  vm:{outbox}:claims         hash, the job, by who holds it
-- ARGV[1]  id   ARGV[2]  the claim's name   ARGV[3]  when the lease is over
-- Returns 1, or 0 if another holds it by now. Repeating is harmless.
if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[1] then
    return 0
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
