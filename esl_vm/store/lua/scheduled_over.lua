-- Forget a message that was delivered, or is cancelled before its time.
-- KEYS[1]  vm:{scheduled}:due            sorted set, ids by when they are due, epoch seconds
-- KEYS[2]  vm:{scheduled}:messages       hash, the messages by their ids
-- KEYS[3]  vm:{scheduled}:over:ID        string, there once it was delivered or cancelled
-- ARGV[1]  id, ARGV[2] seconds for which a late step of its sending does not bring it back
-- ARGV[3]  cancelled: now, epoch seconds; else ``
-- Returns 1, 0 if there is none, or its time has come. Repeating is harmless.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or (ARGV[3] ~= '' and tonumber(due) <= tonumber(ARGV[3])) then
    return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], '1', 'EX', ARGV[2])
return 1
