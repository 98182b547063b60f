-- Put a message in the trash, remembered with where it lay; where the mailbox has no trash, erase it.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- KEYS[15]  vm:{pNN}:deleted:BOX      sorted set, ids that must not come back
-- KEYS[16]  vm:{pNN}:erase            sorted set, sounds to erase
-- ARGV[4]  id
-- ARGV[5]  days in the trash where the mailbox says nothing; 0 = erased at once
-- ARGV[6]  seconds for which an erased id is remembered
-- ARGV[7]  why, `` if its owner wished it; `withdrawn`: only while it is new and nobody heard it
-- ARGV[8]  milliseconds since 1970 before which it must have come, else it stays; `` = any
-- Returns 1, or 0 if it was not there or is in the trash already: repeating is harmless.
local message, deleted, erase, id = KEYS[14], KEYS[15], KEYS[16], ARGV[4]
local facts = redis.call('HMGET', message, 'folder', 'urgent', 'duration_ms', 'intro_id', 'received', 'arrived')
local from = facts[1]
if not from or from == 'trash' then
    return 0
end
if ARGV[8] ~= '' and tonumber(facts[6] or facts[5] or 0) * 1000 >= tonumber(ARGV[8]) then
    return 0
end
if ARGV[7] == 'withdrawn' and (from ~= 'new' or redis.call('HEXISTS', message, 'heard') == 1) then
    return 0
end
local score = redis.call('ZSCORE', FOLDER_KEYS[from], id)
redis.call('ZREM', FOLDER_KEYS[from], id)  -- first: a full Redis takes that, and lets a script that began with it go on
add_sound(-tonumber(facts[3] or 0))
if tonumber(redis.call('HGET', box, 'trash_days') or ARGV[5]) == 0 then
    local gone = erase_message(message, id)
    forget_call(id)
    remember(deleted, tonumber(ARGV[6]), {id})
    for _, sound in ipairs(gone and (facts[4] and {id, facts[4]} or {id}) or {}) do
        redis.call('ZADD', erase, text(now), sound)
    end
else
    redis.call('ZADD', trash, end_of(trash, facts[2]), id)
    redis.call('HSET', message, 'folder', 'trash', 'was_folder', from, 'was_score', score or text(now))
end
local more = {'from', from}
if ARGV[7] ~= '' then
    more = {'from', from, 'why', ARGV[7]}
end
if redis.call('EXISTS', message) == 0 then
    more[#more + 1] = 'erased'
    more[#more + 1] = 'yes'
end
happened('deleted', id, '', more)
return 1
