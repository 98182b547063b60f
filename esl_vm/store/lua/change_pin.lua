-- Set or take away a mailbox's PIN.
-- Begins with common.lua and owners.lua.
-- ARGV[4]  scrypt$n$r$p$salt$hash, `` = none is asked
-- ARGV[5]  yes if its owner did not choose it
-- ARGV[6]  how many former hashes are kept, ARGV[7]  yes: when it was set is kept
-- ARGV[8]  another mark whenever the PIN is, for a mailbox of several owners: there the salt stays
-- Its event says `pin`: removed, set (its owner did not choose it), changed.
-- Returns done; or no mailbox, changed (it has other owners, and the hash was made with another salt than theirs; ask again), taken
-- (one of them has that PIN), owners (without a PIN they could not be told apart). Repeating sets the same again.
if redis.call('EXISTS', box) == 0 then
    return 'no mailbox'
end
local was, asked, others = redis.call('HGET', box, 'pin'), ARGV[4] ~= '', other_owners(box)
if next(others) then
    if not asked then
        return 'owners'
    end
    if parts_of(was) ~= parts_of(ARGV[4]) then
        return 'changed'
    end
    if is_taken(box, others, 1, ARGV[4]) then
        return 'taken'
    end
end
local former = redis.call('HGET', box, 'pin_former') or nil
set('pin_former', with_former(former, was and was ~= ARGV[4] and was or nil, tonumber(ARGV[6])))
set('pin_changed', ARGV[7] == 'yes' and asked and text(now / 1000))
set('pin_mark', next(others) and ARGV[8])
set('pin', asked and ARGV[4])
set('pin_initial', ARGV[5] == 'yes' and asked and 'yes')
local more = {'pin', not asked and 'removed' or ARGV[5] == 'yes' and 'set' or 'changed'}
if next(others) then
    more[3], more[4] = 'owner', redis.call('HGET', box, 'name') or ''
end
happened('pin-changed', '', '', more)
return 'done'
