-- Move a message to the end of a folder (also out of the trash); in New it becomes unheard.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- ARGV[4]  id
-- ARGV[5]  folder, not trash
-- ARGV[6]  messages a folder may hold where the mailbox says nothing
-- ARGV[7]  yes if it goes there even if the folder is full
-- Returns done, already, full, or gone if there is no such message.
-- Repeating is harmless: a message that lies in the folder keeps its place there.
local message, id, folder, room = KEYS[14], ARGV[4], ARGV[5], room_of_folders(ARGV[6])
local facts = redis.call('HMGET', message, 'folder', 'urgent', 'duration_ms')
local from = facts[1]
if not from then
    return 'gone'
end
if from == folder then
    if folder == 'new' and redis.call('HDEL', message, 'heard') == 1 then
        happened('moved', id, '', {'from', from, 'to', folder})
    end
    return 'already'
end
if ARGV[7] ~= 'yes' and room > 0 and redis.call('ZCARD', FOLDER_KEYS[folder]) >= room then
    return 'full'
end
redis.call('ZREM', FOLDER_KEYS[from], id)
redis.call('ZADD', FOLDER_KEYS[folder], end_of(FOLDER_KEYS[folder], facts[2]), id)
redis.call('HSET', message, 'folder', folder)
if folder == 'new' then
    redis.call('HDEL', message, 'heard')
end
if from == 'trash' then
    redis.call('HDEL', message, 'was_folder', 'was_score')
    add_sound(tonumber(facts[3] or 0))
end
happened('moved', id, '', {'from', from, 'to', folder})
return 'done'
