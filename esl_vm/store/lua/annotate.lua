-- Say who handles a message, or what is noted on it.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- ARGV[4]  id
-- ARGV[5]  `handled_by` or `note`
-- ARGV[6]  its value, `` = none
-- ARGV[7]  how many letters it has: all that the event says of a note
-- Returns `done`, `already` if it was so before (repeating writes no event), or `gone`.
local message, id, field, value = KEYS[14], ARGV[4], ARGV[5], ARGV[6]
if redis.call('HEXISTS', message, 'folder') == 0 then
    return 'gone'
end
if (redis.call('HGET', message, field) or '') == value then
    return 'already'
end
if value == '' then
    redis.call('HDEL', message, field)
else
    redis.call('HSET', message, field, value)
end
if field == 'note' then
    happened('noted', id, '', {'text_length', ARGV[7]})
    return 'done'
end
if value == '' then
    redis.call('HDEL', message, 'handled_at')
else
    redis.call('HSET', message, 'handled_at', string.format('%.3f', now / 1000))
end
happened('handled', id, '', {'handled_by', value})
return 'done'
