-- Mark a message heard; it stays where it is.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- ARGV[4]  id
-- Returns 1, or 0 if it was marked before or is gone: repeating changes nothing and writes no event.
local message = KEYS[14]
if redis.call('EXISTS', message) == 0 or redis.call('HSETNX', message, 'heard', '1') == 0 then
    return 0
end
local receipt = redis.call('HGET', message, 'receipt')
happened('heard', ARGV[4], '', receipt and {'receipt', receipt})
return 1
