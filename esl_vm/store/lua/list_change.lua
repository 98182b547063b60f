-- Make a distribution list, or change its name and who is on it.
-- KEYS[1]  vm:{pNN}:list:LIST         hash, the list
-- KEYS[2]  vm:{pNN}:members:LIST      sorted set, its mailboxes, all scores 0
-- KEYS[3]  vm:{pNN}:lists             sorted set, the partition's lists
-- KEYS[4]  vm:{pNN}:box:LIST          hash, a mailbox of that number: there must be none
-- KEYS[5]  vm:{pNN}:erase             sorted set, sounds to erase
-- KEYS[6]  vm:{pNN}:aliases           hash, the partition's aliases: the number must be none of them
-- ARGV[1]  its member in `lists`
-- ARGV[2]  JSON: make (whether it is made where there is none), fields (name and value in turn), unset (names),
--          add and remove (members)
-- ARGV[3]  from when a replaced recorded name may be erased, milliseconds since 1970
-- ARGV[4]  the list's number, number@domain
-- Returns `mailbox` if a mailbox has that number (as an alias too), `no list`; else `done`, how many came on it and how many went.
-- Repeating sets the same again.
local wish = cjson.decode(ARGV[2])
if redis.call('EXISTS', KEYS[4]) == 1 or redis.call('HEXISTS', KEYS[6], ARGV[4]) == 1 then
    return {'mailbox'}
end
if not wish.make and redis.call('EXISTS', KEYS[1]) == 0 then
    return {'no list'}
end
local went = 0
for _, member in ipairs(wish.remove) do  -- first: a full Redis takes that, and lets a script that began with it go on
    went = went + redis.call('ZREM', KEYS[2], member)
end
local before = redis.call('HGET', KEYS[1], 'sound')
redis.call('HSETNX', KEYS[1], 'name', '')
if #wish.fields > 0 then
    redis.call('HSET', KEYS[1], unpack(wish.fields))
end
if #wish.unset > 0 then
    redis.call('HDEL', KEYS[1], unpack(wish.unset))
end
local sound = redis.call('HGET', KEYS[1], 'sound')
if sound then
    redis.call('ZREM', KEYS[5], sound)
end
if before and before ~= sound then
    redis.call('ZADD', KEYS[5], ARGV[3], before)
end
redis.call('ZADD', KEYS[3], 0, ARGV[1])
local came = 0
for _, member in ipairs(wish.add) do
    came = came + redis.call('ZADD', KEYS[2], 0, member)
end
return {'done', came, went}
