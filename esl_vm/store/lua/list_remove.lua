-- Remove a distribution list.
-- KEYS[1]  vm:{pNN}:list:LIST         hash, the list
-- KEYS[2]  vm:{pNN}:members:LIST      sorted set, its mailboxes
-- KEYS[3]  vm:{pNN}:lists             sorted set, the partition's lists
-- KEYS[4]  vm:{pNN}:erase             sorted set, sounds to erase
-- ARGV[1]  its member in `lists`
-- ARGV[2]  from when its recorded name may be erased, milliseconds since 1970
-- Returns 1, or 0 if there was none: repeating is harmless.
local sound = redis.call('HGET', KEYS[1], 'sound')
if sound then
    redis.call('ZADD', KEYS[4], ARGV[2], sound)
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
