-- Check a typed PIN, count a wrong one, lock after too many. A mailbox that is not there is counted and locked as others are.
-- Begins with common.lua and owners.lua.
-- KEYS[14]  vm:{pNN}:login:failures:BOX or vm:{pNN}:login:outside:BOX  list, epoch seconds of the latest wrong PINs,
--           expires
-- KEYS[15]  vm:{pNN}:login:locked        sorted set, mailboxes by the epoch second until which their PIN is locked
-- ARGV[4]  how the typed PIN was hashed, scrypt$n$r$p$salt
-- ARGV[5]  its hash
-- ARGV[6]  wrong ones that lock, ARGV[7]  within how many seconds, ARGV[8]  for how many seconds
-- ARGV[9]  where the caller is, for the event
-- ARGV[10]  its member in `locked`
-- ARGV[11]  yes: another telephone than its own
-- ARGV[12]  yes: a PIN that its owner did not choose opens here
-- ARGV[13]  yes: no owner can have chosen the typed one, whatever the mailbox says
-- Returns right and the number of the owner whose PIN it is, wrong or locked; `changed` if the PIN is another since (nothing was counted; ask again); `uncounted` if it is
-- wrong, and this Redis takes no changes: a replica, or one without its replicas. A right PIN opens there too.
-- A right one repeated is right again; a wrong one repeated counts once more, which errs on the safe side.
local failures, locked, member = KEYS[14], KEYS[15], ARGV[10]
local seconds = now / 1000
local lifted = redis.call('ZSCORE', locked, member)
if lifted and tonumber(lifted) > seconds then
    return 'locked'
end
-- The first write is one that a full Redis takes, and after it the script may write what it likes: wrong PINs are counted
-- there as ever. The error of a Redis that takes nothing is not the caller's.
local writes = redis.pcall('ZREMRANGEBYSCORE', locked, '-inf', string.format('%.3f', seconds))
local closed = type(writes) == 'table' and writes.err
local from = {'from', ARGV[9]}
if ARGV[11] == 'yes' then
    from = {'from', ARGV[9], 'outside', 'yes'}
end
local stored = redis.call('HGET', box, 'pin')
local there = stored or redis.call('EXISTS', box) == 1
local why = ''
if not stored then
    why = 'no PIN'
else
    local how, hash = parts_of(stored)
    if how ~= '' and how ~= ARGV[4] and string.match(how, '^scrypt%$') then
        return 'changed'
    end
    local function is_it(kept)
        local differing = #kept == #ARGV[5] and 0 or 1
        for index = 1, #kept do  -- all of it, whatever differs: the time taken tells nothing
            differing = differing + (string.byte(kept, index) == string.byte(ARGV[5], index) and 0 or 1)
        end
        return differing == 0 and how == ARGV[4]
    end
    local others = other_owners(box)
    local number, is_initial = is_it(hash) and 1 or nil, redis.call('HGET', box, 'pin_initial') == 'yes'
    for other, owner in pairs(others) do
        local other_how, other_hash = parts_of(owner.pin)
        if is_it(other_hash) and other_how == how then
            number, is_initial = other, owner.initial
        end
    end
    if number then
        if ARGV[12] == 'yes' or (ARGV[13] ~= 'yes' and not is_initial) then
            if not closed then
                redis.call('DEL', failures)
                if next(others) then
                    from[#from + 1] = 'owner'
                    from[#from + 1] = number == 1 and (redis.call('HGET', box, 'name') or '') or others[number].name
                end
                happened('login', '', '', from)
            end
            return 'right ' .. number
        end
        why = 'initial PIN'
    end
end
if closed then
    return 'uncounted'
end
local function tell(what, more)
    if there then
        local all = {unpack(from)}
        for _, value in ipairs(more) do
            all[#all + 1] = value
        end
        happened(what, '', '', all)
    end
end
local most, window = tonumber(ARGV[6]), tonumber(ARGV[7])
redis.call('RPUSH', failures, string.format('%.3f', seconds))
redis.call('LTRIM', failures, -most, -1)
redis.call('EXPIRE', failures, window)
tell('login-failed', why ~= '' and {'why', why} or {})
if redis.call('LLEN', failures) >= most and tonumber(redis.call('LINDEX', failures, 0)) > seconds - window then
    local lifts = string.format('%.0f', math.ceil(seconds + tonumber(ARGV[8])))
    redis.call('ZADD', locked, lifts, member)
    redis.call('DEL', failures)
    tell('locked', {'until', lifts})
end
return 'wrong'
