-- Make a mailbox, with its PIN if it has one.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:boxes            sorted set, the partition's mailboxes
-- KEYS[15]  vm:{pNN}:names:DOMAIN     sorted set, the partition's part of the directory
-- KEYS[16]  vm:{pNN}:list:BOX         hash, a distribution list of that number: there must be none
-- KEYS[17]  vm:{pNN}:aliases          hash, the partition's aliases: the number must be none of them
-- ARGV[4]  its member in `boxes`
-- ARGV[5]  JSON: fields (name and value in turn), add (members of `names`)
-- Returns 1, 0 if it was there (repeating changes nothing), 2 if a list has that number; the mailbox whose alias it is.
if redis.call('EXISTS', box) == 1 then
    return 0
end
if redis.call('EXISTS', KEYS[16]) == 1 then
    return 2
end
local has = redis.call('HGET', KEYS[17], name)
if has then
    return has
end
local wish = cjson.decode(ARGV[5])
local own, pin = {}, 'none'
for index = 1, #wish.fields, 2 do
    local field = wish.fields[index]
    if field == 'pin' then
        pin = 'set'
    elseif field ~= 'created' and field ~= 'pin_initial' then
        own[#own + 1] = field
        own[#own + 1] = wish.fields[index + 1]
    end
end
local changes = changes_of(own, {})
redis.call('HSET', box, unpack(wish.fields))
redis.call('ZADD', KEYS[14], 0, ARGV[4])
for _, member in ipairs(wish.add) do
    redis.call('ZADD', KEYS[15], 0, member)
end
local more = {'pin', pin}
if changes ~= '' then
    more = {'pin', pin, 'changes', changes}
end
happened('box-added', '', '', more)
return 1
