-- Renaming, first step: make the mailbox under its new name, with all but its messages.
-- KEYS[1..13]  as in common.lua
-- (of the new name)
-- KEYS[14]  vm:{pNN}:boxes            sorted set, the partition's mailboxes
-- KEYS[15]  vm:{pNN}:names:DOMAIN     sorted set, the partition's part of the directory
-- KEYS[16]  vm:{pNN}:list:BOX         hash, a distribution list of that number: there must be none
-- KEYS[17]  vm:{pNN}:moved:BOX        string, where a mailbox of this name went once: no message follows it any more
-- ARGV[1..3]  as in common.lua
-- ARGV[4]  its member in `boxes`
-- ARGV[5]  JSON: from (the old name), fields (name and value in turn), add (members of `names`)
-- Returns done, exists or list.
-- Repeating sets the same again, as long as the renaming is under way; `renamed_from` says so.
local wish = cjson.decode(ARGV[5])
if redis.call('EXISTS', KEYS[16]) == 1 then
    return 'list'
end
local there = redis.call('EXISTS', box) == 1
if there and redis.call('HGET', box, 'renamed_from') ~= wish.from then
    return 'exists'
end
redis.call('HSET', box, 'renamed_from', wish.from, unpack(wish.fields))
redis.call('DEL', KEYS[17])
redis.call('ZADD', KEYS[14], 0, ARGV[4])
for _, member in ipairs(wish.add) do
    redis.call('ZADD', KEYS[15], 0, member)
end
if not there then
    happened('box-added', '', '', {'renamed_from', wish.from})
end
return 'done'
