-- Set and unset a mailbox's fields; the directory follows its owner's name.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:names:DOMAIN     sorted set, the partition's part of the directory
-- ARGV[4]  the owner's name as it was when `remove` was made, `` = none
-- ARGV[5]  JSON: fields (name and value in turn), unset (names), remove and add (members of `names`), expected (what fields
--          must hold, by name, `` = unset), aliases (its field of that name as it was when they were given it)
-- Returns done, `changed` if a field is not as expected (nothing was changed), `no mailbox`, or `renamed` if the name, or the aliases, are others by now (nothing was changed; read it and ask again).
-- Repeating sets the same again.
if redis.call('EXISTS', box) == 0 then
    return 'no mailbox'
end
if (redis.call('HGET', box, 'name') or '') ~= ARGV[4] then
    return 'renamed'
end
local wish = cjson.decode(ARGV[5])
if (redis.call('HGET', box, 'aliases') or '') ~= wish.aliases then
    return 'renamed'
end
for field, value in pairs(wish.expected) do
    if (redis.call('HGET', box, field) or '') ~= value then
        return 'changed'
    end
end
local changes = changes_of(wish.fields, wish.unset)
if #wish.fields > 0 then
    redis.call('HSET', box, unpack(wish.fields))
end
if #wish.unset > 0 then
    redis.call('HDEL', box, unpack(wish.unset))
end
for _, member in ipairs(wish.remove) do
    redis.call('ZREM', KEYS[14], member)
end
for _, member in ipairs(wish.add) do
    redis.call('ZADD', KEYS[14], 0, member)
end
happened('box-changed', '', '', changes ~= '' and {'changes', changes} or {})
return 'done'
