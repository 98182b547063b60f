-- Renaming, third step: messages into the mailbox of the new name, each to the place it had.
-- Begins with common.lua; its keys are those of the new name.
-- KEYS[14]  vm:{pNN}:deleted:BOX      sorted set, ids that must not come back
-- KEYS[15..]  vm:{pNN}:msg:BOX:ID     hashes, the messages
-- ARGV[4]  JSON: for each message its id, folder, score, fields (name and value in turn), scores and members of its
--          call's ids in turn
-- Returns 1, or 0 if there is no such mailbox.
-- Repeating is harmless: a message that came, or came and was erased since, stays as it is.
if redis.call('EXISTS', box) == 0 then
    return 0
end
for index, message in ipairs(cjson.decode(ARGV[4])) do
    local id, folder, score, fields = message[1], message[2], message[3], message[4]
    local key = KEYS[index + 14]
    if redis.call('EXISTS', key) == 0 and not redis.call('ZSCORE', KEYS[14], id) then
        redis.call('HSET', key, unpack(fields))
        redis.call('HSET', key, 'folder', folder)
        redis.call('ZADD', FOLDER_KEYS[folder], score, id)
        enter_call(message[5])
        if folder ~= 'trash' then
            add_sound(tonumber(redis.call('HGET', key, 'duration_ms') or 0))
        end
    end
end
return 1
