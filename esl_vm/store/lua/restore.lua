-- Take a message out of the trash, back to the folder and the place where it lay.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- ARGV[4]  id
-- Returns 1, or 0 if it is not in the trash: repeating is harmless.
local message, id = KEYS[14], ARGV[4]
local facts = redis.call('HMGET', message, 'folder', 'was_folder', 'was_score', 'heard', 'urgent', 'duration_ms')
if facts[1] ~= 'trash' then
    return 0
end
local to = facts[2]
if not to or not FOLDER_KEYS[to] or to == 'trash' then
    to = facts[4] and 'old' or 'new'
end
redis.call('ZREM', trash, id)
redis.call('ZADD', FOLDER_KEYS[to], facts[3] or end_of(FOLDER_KEYS[to], facts[5]), id)
redis.call('HSET', message, 'folder', to)
redis.call('HDEL', message, 'was_folder', 'was_score')
add_sound(tonumber(facts[6] or 0))
happened('restored', id, '', {'to', to})
return 1
