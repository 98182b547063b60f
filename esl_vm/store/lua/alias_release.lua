-- Take an alias from a mailbox.
-- KEYS[1]  vm:{pNN}:aliases           hash, the partition's aliases: whose each is
-- ARGV[1]  the alias, number@domain, ARGV[2]  the mailbox
-- Returns 1, or 0 if it was not that mailbox's: repeating is harmless.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
return redis.call('HDEL', KEYS[1], ARGV[1])
