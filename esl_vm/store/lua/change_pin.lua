-- Set or take away a mailbox's PIN.
-- Begins with common.lua.
-- ARGV[4]  scrypt$n$r$p$salt$hash, `` = none is asked
-- ARGV[5]  yes if its owner did not choose it
-- ARGV[6]  how many former hashes are kept, ARGV[7]  yes: when it was set is kept
-- Its event says `pin`: removed, set (its owner did not choose it), changed.
-- Returns 1, or 0 if there is no such mailbox. Repeating sets the same again.
if redis.call('EXISTS', box) == 0 then
    return 0
end
local former = {}
local was = redis.call('HGET', box, 'pin')
for hash in string.gmatch((was and was ~= ARGV[4] and was .. ' ' or '') .. (redis.call('HGET', box, 'pin_former') or ''), '%S+') do
    if #former < tonumber(ARGV[6]) then
        former[#former + 1] = hash
    end
end
if #former > 0 then
    redis.call('HSET', box, 'pin_former', table.concat(former, ' '))
else
    redis.call('HDEL', box, 'pin_former')
end
if ARGV[7] == 'yes' and ARGV[4] ~= '' then
    redis.call('HSET', box, 'pin_changed', string.format('%.0f', now / 1000))
else
    redis.call('HDEL', box, 'pin_changed')
end
if ARGV[4] == '' then
    redis.call('HDEL', box, 'pin', 'pin_initial')
else
    redis.call('HSET', box, 'pin', ARGV[4])
    if ARGV[5] == 'yes' then
        redis.call('HSET', box, 'pin_initial', 'yes')
    else
        redis.call('HDEL', box, 'pin_initial')
    end
end
happened('pin-changed', '', '', {'pin', ARGV[4] == '' and 'removed' or ARGV[5] == 'yes' and 'set' or 'changed'})
return 1
