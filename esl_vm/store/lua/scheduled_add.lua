-- Keep a message until its time.
-- KEYS[1]  vm:{scheduled}:due            sorted set, ids by when they are due, epoch seconds
-- KEYS[2]  vm:{scheduled}:messages       hash, the messages by their ids
-- KEYS[3]  vm:{scheduled}:over:ID        string, there once it was delivered or cancelled
-- ARGV[1]  id, ARGV[2] due, ARGV[3] the message
-- Returns 1, 0 if it is over. Repeating is harmless.
if redis.call('EXISTS', KEYS[3]) == 1 then
    return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
