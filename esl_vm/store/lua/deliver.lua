-- Put a message in a folder.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- KEYS[15]  vm:{pNN}:deleted:BOX      sorted set, ids that must not come back
-- KEYS[16]  vm:{pNN}:erase            sorted set, sounds to erase: this one's no more (a mailbox made and filled anew)
-- ARGV[4]  id
-- ARGV[5]  folder
-- ARGV[6]  when it came, milliseconds since 1970: its place
-- ARGV[7..9]  maxmsg, quota_seconds and announce_only where the mailbox says nothing
-- ARGV[10]  yes if it is put in even if the mailbox is full or takes no messages
-- ARGV[11]  payload of the event
-- ARGV[12]  JSON: scores and members of its call's ids, in turn
-- ARGV[13..]  the message's fields, name and value in turn
-- Returns done, already, deleted, full, `takes no messages` or no mailbox.
-- Repeating is harmless: an id that is there, or was deleted meanwhile, changes nothing.
local message, deleted = KEYS[14], KEYS[15]
local id, folder = ARGV[4], ARGV[5]
if redis.call('EXISTS', box) == 0 then
    return 'no mailbox'
end
local lies = redis.call('HGET', message, 'folder')
if lies then
    redis.call('HSET', message, 'folder', lies)  -- a write, so that waiting for replicas is about this message too
    return (lies == 'trash' and folder ~= 'trash') and 'deleted' or 'already'
end
if redis.call('ZSCORE', deleted, id) then
    return 'deleted'
end
local fields = {}
for index = 13, #ARGV do
    fields[#fields + 1] = ARGV[index]
end
local urgent, ms, intro = false, 0, id
for index = 1, #fields, 2 do
    if fields[index] == 'urgent' then
        urgent = true
    elseif fields[index] == 'duration_ms' then
        ms = tonumber(fields[index + 1])
    elseif fields[index] == 'intro_id' then
        intro = fields[index + 1]
    end
end
local score
local nearly_full = {}
-- Nearly full is four fifths: told once, by the message that comes across.
local function note_room(of, before, after, room)
    if room > 0 and before * 5 < room * 4 and after * 5 >= room * 4 then
        nearly_full[#nearly_full + 1] = {'of', of, 'held', text(math.floor(after)), 'most', text(room)}
    end
end
if folder == 'trash' then
    score = end_of(trash, urgent)
else
    local limited = ARGV[10] ~= 'yes'
    local room = room_of_folders(ARGV[7])
    local quota = tonumber(redis.call('HGET', box, 'quota_seconds') or ARGV[8]) or tonumber(ARGV[8])
    local used = tonumber(redis.call('HGET', box, 'sound_ms') or 0)
    local held = redis.call('ZCARD', FOLDER_KEYS[folder])
    if limited and (room == 0 or (redis.call('HGET', box, 'announce_only') or ARGV[9]) == 'yes') then
        return 'takes no messages'
    end
    if limited and (held >= room or (quota > 0 and used >= quota * 1000)) then
        return 'full'
    end
    if limited then
        note_room('messages', held, held + 1, room)
        note_room('seconds', used / 1000, (used + ms) / 1000, quota)
    end
    score = text(tonumber(ARGV[6]) - (urgent and URGENT or 0))
    add_sound(ms)
end
redis.call('HSET', message, 'folder', folder, unpack(fields))
redis.call('ZADD', FOLDER_KEYS[folder], score, id)
enter_call(cjson.decode(ARGV[12]))
redis.call('ZREM', KEYS[16], id, intro)
happened('delivered', id, ARGV[11], {'folder', folder})
for _, details in ipairs(nearly_full) do
    details[#details + 1] = 'folder'
    details[#details + 1] = folder
    happened('nearly-full', id, '', details)
end
return 'done'
