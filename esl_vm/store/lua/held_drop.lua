-- Erase some of what a legal hold kept, once it is over.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:erase            sorted set, sounds to erase
-- ARGV[4]  how many at most
-- Returns how many; 0 while it is in force. Repeating erases the next ones.
if is_held() then
    return 0
end
local ids = redis.call('ZRANGE', held, 0, tonumber(ARGV[4]) - 1)
for _, id in ipairs(ids) do
    local message = held .. ':' .. id
    local intro = redis.call('HGET', message, 'intro_id')
    redis.call('DEL', message)
    redis.call('ZREM', held, id)
    redis.call('ZADD', KEYS[14], text(now), id)
    if intro then
        redis.call('ZADD', KEYS[14], text(now), intro)
    end
end
return #ids
