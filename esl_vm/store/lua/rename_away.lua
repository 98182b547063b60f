-- Renaming, second step: put the mailbox of the old name, with its messages, where no call finds it.
-- Begins with common.lua.
-- (of the old name)
-- KEYS[14]  vm:{pNN}:boxes            sorted set, the partition's mailboxes
-- KEYS[15]  vm:{pNN}:names:DOMAIN     sorted set, the partition's part of the directory
-- KEYS[16]  vm:{pNN}:moving           set, old names of mailboxes that are being renamed
-- KEYS[17]  vm:{pNN}:moving:BOX       hash, the mailbox from now on; `to` is its new name
-- KEYS[18..28]  vm:{pNN}:moving:BOX:FOLDER  sorted sets, its folders from now on
-- KEYS[29]  vm:{pNN}:moved:BOX        string, its new name, for messages that are on their way to the old one
-- ARGV[4]  its member in `boxes`
-- ARGV[5]  JSON: to (the new name), fields (name and value in turn, as they were copied; false: not text, not
--          compared), remove (members of `names`)
-- ARGV[6]  seconds for which such messages follow it
-- Returns done, or `changed` if the mailbox is not as it was copied (nothing was done; begin again).
-- Repeating finds no mailbox: done.
if redis.call('EXISTS', box) == 0 then
    return 'done'
end
local wish = cjson.decode(ARGV[5])
local facts, copied = redis.call('HGETALL', box), {}
for index = 1, #wish.fields, 2 do
    copied[wish.fields[index]] = wish.fields[index + 1]
end
local count = 0
for index = 1, #facts, 2 do
    if facts[index] ~= 'sound_ms' then
        local was = copied[facts[index]]
        if was ~= false and was ~= facts[index + 1] then
            return 'changed'
        end
        count = count + 1
    end
end
if count * 2 ~= #wish.fields then
    return 'changed'
end
for index = 1, #FOLDERS do
    if redis.call('EXISTS', KEYS[index + 2]) == 1 then
        redis.call('RENAME', KEYS[index + 2], KEYS[index + 17])
    end
end
for _, member in ipairs(wish.remove) do
    redis.call('ZREM', KEYS[15], member)
end
redis.call('ZREM', KEYS[14], ARGV[4])
happened('box-removed', '', '', {'renamed_to', wish.to})  -- before the box goes: it names the extensions
redis.call('RENAME', box, KEYS[17])
redis.call('HSET', KEYS[17], 'to', wish.to)
redis.call('SADD', KEYS[16], name)
redis.call('SET', KEYS[29], wish.to, 'EX', ARGV[6])
return 'done'
