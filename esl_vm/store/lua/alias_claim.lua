-- Give a number to a mailbox that has another: its alias.
-- KEYS[1]  vm:{pNN}:aliases           hash, the partition's aliases: whose each is
-- KEYS[2]  vm:{pNN}:box:ALIAS         hash, a mailbox of that number: there must be none
-- KEYS[3]  vm:{pNN}:list:ALIAS        hash, a distribution list of that number: there must be none
-- ARGV[1]  the alias, number@domain, ARGV[2]  the mailbox
-- ARGV[3]  a mailbox that had it and is gone, `` = none
-- Returns `` if the mailbox has it now; else whose it is: `mailbox`, `list`, or the mailbox whose alias it is.
-- Repeating changes nothing.
if redis.call('EXISTS', KEYS[2]) == 1 then
    return 'mailbox'
end
if redis.call('EXISTS', KEYS[3]) == 1 then
    return 'list'
end
local has = redis.call('HGET', KEYS[1], ARGV[1])
if has and has ~= ARGV[2] and has ~= ARGV[3] then
    return has
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ''
