-- Deactivate a greeting.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:deleted:BOX      sorted set, ids that must not come back
-- KEYS[15]  vm:{pNN}:erase            sorted set, sounds to erase
-- ARGV[4]  the greeting's field, greeting.unavailable
-- ARGV[5]  seconds for which its id is remembered
-- ARGV[6]  milliseconds for which a call may still be playing it
-- ARGV[7..]  the fields of all greetings
-- Returns its sound id, `` if there was none (any more): repeating is harmless.
local deleted, erase, field = KEYS[14], KEYS[15], ARGV[4]
local sound = redis.call('HGET', box, field)
if not sound then
    return ''
end
redis.call('HDEL', box, field, field .. '.ms', field .. '.starts', field .. '.ends')
happened('greeting-removed', '', '', {'greeting', string.sub(field, 10)})
for index = 7, #ARGV do
    if redis.call('HGET', box, ARGV[index]) == sound then
        return ''  -- another greeting has the same sound
    end
end
remember(deleted, tonumber(ARGV[5]), {sound})
redis.call('ZADD', erase, text(now + tonumber(ARGV[6])), sound)
return sound
