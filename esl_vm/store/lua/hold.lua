-- Set a mailbox's legal hold, or lift it.
-- Begins with common.lua.
-- ARGV[4]  JSON: its fields, names and values in turn; none: it is lifted
-- Returns 1, or 0 if there is no such mailbox. Repeating sets the same again.
if redis.call('EXISTS', box) == 0 then
    return 0
end
local fields = cjson.decode(ARGV[4])
if #fields > 0 then
    redis.call('HSET', box, unpack(fields))
else
    redis.call('HDEL', box, 'hold_until', 'hold_since', 'hold_by', 'hold_reason')
end
return 1
