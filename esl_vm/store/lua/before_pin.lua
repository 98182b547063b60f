-- Begins with owners.lua.
-- Before a PIN is hashed, which takes a while: whether it may be tried now, and how it is hashed. Changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX              hash, the mailbox
-- KEYS[2]  vm:{pNN}:login:failures:BOX or vm:{pNN}:login:outside:BOX  list, times of wrong PINs
-- KEYS[3]  vm:{pNN}:login:locked         sorted set, locked mailboxes
-- ARGV[1]  its member there
-- ARGV[2]  now, seconds since 1970, ARGV[3]  the seconds within which wrong ones count
-- Returns until when it is locked (0: it is not), how many wrong ones count, scrypt$n$r$p$salt (`` if there is no such
-- mailbox, or it has no PIN), and 1 if it has several owners, or 0.
local since, count = tonumber(ARGV[2]) - tonumber(ARGV[3]), 0
for _, at in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
    if tonumber(at) > since then
        count = count + 1
    end
end
local lifts = redis.call('ZSCORE', KEYS[3], ARGV[1])
local how = parts_of(redis.call('HGET', KEYS[1], 'pin') or nil)
local several = next(other_owners(KEYS[1])) and 1 or 0
return {lifts and tonumber(lifts) > tonumber(ARGV[2]) and lifts or '0', count, how, several}
