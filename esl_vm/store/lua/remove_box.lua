-- Remove a mailbox with everything in it.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:boxes            sorted set, the partition's mailboxes
-- KEYS[15]  vm:{pNN}:names:DOMAIN     sorted set, the partition's part of the directory
-- KEYS[16]  vm:{pNN}:erase            sorted set, sounds to erase
-- KEYS[17]  vm:{pNN}:deleted:BOX      KEYS[18] vm:{pNN}:calls:BOX
-- KEYS[19]  vm:{pNN}:login:failures:BOX   KEYS[20] vm:{pNN}:login:outside:BOX   KEYS[21] vm:{pNN}:login:locked
-- KEYS[22..]  vm:{pNN}:msg:BOX:ID     hashes, all its messages
-- ARGV[4]  its member in `boxes`
-- ARGV[5]  its owner's name as it was when `remove` was made
-- ARGV[6]  JSON: remove (members of `names`), greetings (the fields of all greetings)
-- ARGV[7]  milliseconds for which a call may still be playing its sounds
-- ARGV[8]  its member in `locked` for other telephones than its own
-- ARGV[9..]  the messages' ids, in the order of their keys
-- Returns `no mailbox`; `held` under a legal hold, or while something is kept by one; `changed` if a message or the name is not as said (nothing was removed; read and ask again);
-- else `done` and the sounds nothing points to any more. Repeating finds no mailbox.
if redis.call('EXISTS', box) == 0 then
    return {'no mailbox'}
end
if is_held() or redis.call('EXISTS', held) == 1 then
    return {'held'}
end
local known = {}
for index = 9, #ARGV do
    known[ARGV[index]] = true
end
for _, folder in ipairs(FOLDERS) do
    for _, id in ipairs(redis.call('ZRANGE', FOLDER_KEYS[folder], 0, -1)) do
        if not known[id] then
            return {'changed'}
        end
    end
end
if (redis.call('HGET', box, 'name') or '') ~= ARGV[5] then
    return {'changed'}
end
redis.call('ZREM', KEYS[14], ARGV[4])  -- first: a full Redis takes that, and lets a script that began with it go on
local wish = cjson.decode(ARGV[6])
local answer = {'done'}
local function gone(sound)
    if sound and sound ~= '' then
        answer[#answer + 1] = sound
        redis.call('ZADD', KEYS[16], text(now + tonumber(ARGV[7])), sound)
    end
end
for index = 22, #KEYS do
    gone(redis.call('HGET', KEYS[index], 'intro_id'))
    gone(ARGV[index - 13])
    redis.call('DEL', KEYS[index])
    forget_call(ARGV[index - 13])
end
for _, field in ipairs(wish.greetings) do
    gone(redis.call('HGET', box, field))
end
for _, member in ipairs(wish.remove) do
    redis.call('ZREM', KEYS[15], member)
end
for _, folder in ipairs(FOLDERS) do
    redis.call('DEL', FOLDER_KEYS[folder])
end
happened('box-removed', '', '')  -- before the box goes: it names the extensions whose lamps go out
redis.call('DEL', box, KEYS[17], KEYS[18], KEYS[19], KEYS[20])
redis.call('ZREM', KEYS[21], name, ARGV[8])
return answer
