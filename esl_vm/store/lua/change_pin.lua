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
local asked = ARGV[4] ~= ''
set('pin_former', #former > 0 and table.concat(former, ' '))
set('pin_changed', ARGV[7] == 'yes' and asked and text(now / 1000))
set('pin', asked and ARGV[4])
set('pin_initial', ARGV[5] == 'yes' and asked and 'yes')
happened('pin-changed', '', '', {'pin', not asked and 'removed' or ARGV[5] == 'yes' and 'set' or 'changed'})
return 1
