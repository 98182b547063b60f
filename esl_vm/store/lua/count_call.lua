-- Count a call placed from a mailbox unless too many were, and write down what became of it.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:calls:BOX        sorted set, a member for each call by its time, expires
-- ARGV[4]  the call's own mark
-- ARGV[5]  where the caller is, for the event
-- ARGV[6]  most calls in 24 hours, ARGV[7]  most in one hour; `` = as many as one likes (without both it is not counted)
-- ARGV[8]  the number called, ARGV[9]  how it came to it: call-back, call, web-call-back, operator, exit
-- ARGV[10]  why it is refused whatever was counted, `` = it is not
-- ARGV[11]  the message whose caller is called, `` = none, ARGV[12]  the mark to be told of, `` = of none
-- Returns 1, or 0 if it may not be placed. The same mark counts once: repeating is harmless.
local calls, mark, why = KEYS[14], ARGV[4], ARGV[10]
redis.call('ZREMRANGEBYSCORE', calls, '-inf', text(now - 86400000))
if redis.call('ZSCORE', calls, mark) then
    return 1
end
if why == '' and ARGV[6] ~= '' and redis.call('ZCARD', calls) >= tonumber(ARGV[6]) then
    why = 'calls_per_day'
elseif why == '' and ARGV[7] ~= '' and redis.call('ZCOUNT', calls, text(now - 3600000), '+inf') >= tonumber(ARGV[7]) then
    why = 'calls_per_hour'
end
if why == '' and ARGV[6] ~= '' then
    redis.call('ZADD', calls, ARGV[2], mark)
    redis.call('EXPIRE', calls, 86400)
end
if redis.call('EXISTS', box) == 1 then
    local told = {'number', ARGV[8], 'how', ARGV[9], 'from', ARGV[5]}
    if ARGV[12] ~= '' then
        told[#told + 1] = 'call'
        told[#told + 1] = ARGV[12]
    end
    if why ~= '' then
        told[#told + 1] = 'why'
        told[#told + 1] = why
    end
    happened(why == '' and 'call-placed' or 'call-refused', ARGV[11], '', told)
end
return why == '' and 1 or 0
