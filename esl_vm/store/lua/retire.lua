-- Move heard messages from New to the end of Old, in the order given, while there is room.
-- Begins with common.lua.
-- KEYS[14..]  vm:{pNN}:msg:BOX:ID     hashes, the messages
-- ARGV[4]  messages a folder may hold where the mailbox says nothing
-- ARGV[5..]  their ids, in the order of their keys
-- Returns how many went. One that is not in New, or was made unheard meanwhile, stays: repeating is harmless.
local room = room_of_folders(ARGV[4])
local moved = {}
for index = 14, #KEYS do
    local id = ARGV[index - 9]
    local facts = redis.call('HMGET', KEYS[index], 'folder', 'heard', 'urgent')
    if facts[1] == 'new' and facts[2] and (room == 0 or redis.call('ZCARD', old) < room) then
        redis.call('ZREM', new, id)
        redis.call('ZADD', old, end_of(old, facts[3]), id)
        redis.call('HSET', KEYS[index], 'folder', 'old')
        moved[#moved + 1] = id
    end
end
if #moved > 0 then
    happened('retired', #moved == 1 and moved[1] or '', '', {'messages', table.concat(moved, ' ')})
end
return #moved
