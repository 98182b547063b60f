-- Forget wrong PINs and lift the locks.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:login:failures:BOX  list, times of wrong PINs from its own telephone
-- KEYS[15]  vm:{pNN}:login:outside:BOX   list, those from other telephones
-- KEYS[16]  vm:{pNN}:login:locked        sorted set, locked mailboxes
-- ARGV[4]  the mailbox's member in `locked` for other telephones than its own
-- Returns 1. Repeating is harmless. Nothing is told of a mailbox that is not there.
redis.call('DEL', KEYS[14], KEYS[15])
redis.call('ZREM', KEYS[16], name, ARGV[4])
if redis.call('EXISTS', box) == 1 then
    happened('unlocked', '', '')
end
return 1
