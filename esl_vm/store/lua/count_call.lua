-- Count a call placed from a mailbox, unless too many were within 24 hours.
-- KEYS[1]  vm:{pNN}:calls:BOX         sorted set, a member for each call by its time, expires
-- ARGV[1]  now, milliseconds since 1970
-- ARGV[2]  most calls
-- ARGV[3]  the call's own mark
-- Returns 1, or 0 if it may not be placed. The same mark counts once: repeating is harmless.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', tonumber(ARGV[1]) - 86400000))
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then
    return 1
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], 86400)
return 1
