-- Renaming, first step: make the mailbox under its new name, with all but its messages.
-- Begins with common.lua; its keys are those of the new name.
-- KEYS[14]  vm:{pNN}:boxes            sorted set, the partition's mailboxes
-- KEYS[15]  vm:{pNN}:names:DOMAIN     sorted set, the partition's part of the directory
-- KEYS[16]  vm:{pNN}:list:BOX         hash, a distribution list of that number: there must be none
-- KEYS[17]  vm:{pNN}:moved:BOX        string, where a mailbox of this name went once: no message follows it any more
-- KEYS[18]  vm:{pNN}:deleted:BOX      KEYS[19] vm:{pNN}:calls:BOX
-- KEYS[20]  vm:{pNN}:login:failures:BOX   KEYS[21] vm:{pNN}:login:outside:BOX   KEYS[22] vm:{pNN}:login:locked
-- KEYS[23]  vm:{pNN}:aliases          hash, the partition's aliases: the number must be none of them
-- ARGV[4]  its member in `boxes`
-- ARGV[5]  JSON: from (the old name), fields (name and value in turn), add (members of `names`); kept (what KEYS[18..21] had
--          under the old name: score and member in turn, or times), seconds (after which each expires), locks (until when
--          it was locked, for its own telephone and for others; 0: it was not)
-- ARGV[6], ARGV[7]  its members in `locked`, for its own telephone and for others
-- Returns done, exists, list or alias.
-- Repeating sets the same again, as long as the renaming is under way; `renamed_from` says so.
local wish = cjson.decode(ARGV[5])
if redis.call('EXISTS', KEYS[16]) == 1 then
    return 'list'
end
if redis.call('HEXISTS', KEYS[23], name) == 1 then
    return 'alias'
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
for index, kept in ipairs(wish.kept) do
    redis.call('DEL', KEYS[index + 17])
    for place = 1, #kept, index < 3 and 2 or 1 do
        if index < 3 then
            redis.call('ZADD', KEYS[index + 17], kept[place], kept[place + 1])
        else
            redis.call('RPUSH', KEYS[index + 17], kept[place])
        end
    end
    if #kept > 0 then
        redis.call('EXPIRE', KEYS[index + 17], math.max(1, wish.seconds[index]))
    end
end
for index, lifts in ipairs(wish.locks) do
    redis.call('ZREM', KEYS[22], ARGV[index + 5])
    if lifts > 0 then
        redis.call('ZADD', KEYS[22], string.format('%.0f', lifts), ARGV[index + 5])
    end
end
if not there then
    happened('box-added', '', '', {'renamed_from', wish.from})
end
return 'done'
