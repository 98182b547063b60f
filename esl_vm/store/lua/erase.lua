-- Erase messages that lay in the trash long enough.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:deleted:BOX      sorted set, ids that must not come back
-- KEYS[15]  vm:{pNN}:erase            sorted set, sounds to erase
-- KEYS[16..]  vm:{pNN}:msg:BOX:ID     hashes, the messages
-- ARGV[4]  milliseconds since 1970 before which they came into the trash
-- ARGV[5]  seconds for which an erased id is remembered
-- ARGV[6..]  their ids, in the order of their keys
-- Returns the sounds nothing points to any more (under a legal hold: but what it keeps). One restored meanwhile stays: repeating is harmless.
local deleted, erase = KEYS[14], KEYS[15]
local sounds, ids, gone = {}, {}, true
for index = 16, #KEYS do
    local id = ARGV[index - 10]
    local score = tonumber(redis.call('ZSCORE', trash, id) or '')
    if score and score < 0 then
        score = score + URGENT
    end
    if score and score < tonumber(ARGV[4]) then
        local intro = redis.call('HGET', KEYS[index], 'intro_id')
        gone = erase_message(KEYS[index], id)
        forget_call(id)
        redis.call('ZREM', trash, id)
        ids[#ids + 1] = id
        sounds[#sounds + 1] = id
        if intro then
            sounds[#sounds + 1] = intro
        end
    end
end
if #ids > 0 then
    remember(deleted, tonumber(ARGV[5]), ids)
    for _, sound in ipairs(gone and sounds or {}) do
        redis.call('ZADD', erase, text(now), sound)
    end
    for _, id in ipairs(ids) do
        happened('erased', id, '')
    end
end
return sounds
