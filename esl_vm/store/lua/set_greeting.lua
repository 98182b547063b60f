-- Activate a recorded greeting.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:deleted:BOX      sorted set, ids that must not come back
-- KEYS[15]  vm:{pNN}:erase            sorted set, sounds to erase
-- ARGV[4]  the greeting's field, greeting.unavailable
-- ARGV[5]  sound id
-- ARGV[6]  how long it plays, milliseconds
-- ARGV[7], ARGV[8]  from when and until when it is active, epoch seconds, 0 = open
-- ARGV[9]  seconds for which a replaced id is remembered
-- ARGV[10]  milliseconds for which a call may still be playing the replaced one
-- ARGV[11]  payload of the event
-- ARGV[12..]  the fields of all greetings
-- Returns the sound id it replaced, `` if none; `no mailbox` if there is no mailbox.
-- Repeating is harmless: a sound that was replaced or removed since never becomes active again.
local deleted, erase, field, sound = KEYS[14], KEYS[15], ARGV[4], ARGV[5]
if redis.call('EXISTS', box) == 0 then
    return 'no mailbox'
end
if redis.call('ZSCORE', deleted, sound) then
    return ''
end
redis.call('ZREM', erase, sound)
local replaced = redis.call('HGET', box, field) or ''
redis.call('HSET', box, field, sound, field .. '.ms', ARGV[6])
for index, part in ipairs({'.starts', '.ends'}) do
    set(field .. part, ARGV[6 + index] ~= '0' and ARGV[6 + index])
end
if replaced == sound then
    replaced = ''
end
for index = 12, #ARGV do
    if redis.call('HGET', box, ARGV[index]) == replaced then
        replaced = ''  -- another greeting has the same sound
    end
end
if replaced ~= '' then
    remember(deleted, tonumber(ARGV[9]), {replaced})
    redis.call('ZADD', erase, text(now + tonumber(ARGV[10])), replaced)
end
happened('greeting-set', '', ARGV[11], {'greeting', string.sub(field, 10)})
return replaced
