-- Renaming, last step: nothing is left under the old name.
-- KEYS[1]  vm:{pNN}:moving            set, old names of mailboxes that are being renamed
-- KEYS[2]  vm:{pNN}:moving:BOX        hash, the mailbox as it was
-- KEYS[3]  vm:{pNN}:box:BOX           hash, a mailbox that was made under the old name since
-- KEYS[4]  vm:{pNN}:login:locked      sorted set, the partition's locked PINs
-- KEYS[5]  vm:{pNN}:deleted:BOX   KEYS[6] vm:{pNN}:calls:BOX
-- KEYS[7]  vm:{pNN}:login:failures:BOX   KEYS[8] vm:{pNN}:login:outside:BOX
-- KEYS[9..19]  vm:{pNN}:moving:BOX:FOLDER  sorted sets, its folders
-- KEYS[20..30]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, what somebody who was in it moved meanwhile
-- ARGV[1]  the old name, ARGV[2]  its member in `locked` for other telephones than its own
-- Returns 1, or 0 if messages are left. Repeating is harmless.
for index = 9, 19 do
    if redis.call('EXISTS', KEYS[index]) == 1 then
        return 0
    end
end
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('ZREM', KEYS[4], ARGV[1], ARGV[2])
    redis.call('DEL', unpack(KEYS, 5, 8))
    redis.call('DEL', unpack(KEYS, 20, 30))
end
return 1
