-- Forget wrong PINs and lift the lock.
-- KEYS[1]  vm:{pNN}:login:failures:BOX  list, times of wrong PINs
-- KEYS[2]  vm:{pNN}:login:locked        sorted set, locked mailboxes
-- ARGV[1]  the mailbox's name
-- Returns 1 if it was locked. Repeating is harmless.
redis.call('DEL', KEYS[1])
return redis.call('ZREM', KEYS[2], ARGV[1])
