-- Check a typed PIN, count a wrong one, lock after too many.
-- KEYS[1..13]  as in common.lua
-- KEYS[14]  vm:{pNN}:login:failures:BOX  list, epoch seconds of the latest wrong PINs, expires
-- KEYS[15]  vm:{pNN}:login:locked        sorted set, mailboxes by the epoch second until which their PIN is locked
-- ARGV[1..3]  as in common.lua
-- ARGV[4]  how the typed PIN was hashed, scrypt$n$r$p$salt; `` = nobody knew
-- ARGV[5]  its hash
-- ARGV[6]  wrong ones that lock, ARGV[7]  within how many seconds, ARGV[8]  for how many seconds
-- ARGV[9]  where the caller is, for the event
-- Returns right, wrong, locked, or `salt` and how to hash (nothing was counted; ask again).
-- A right one repeated is right again; a wrong one repeated counts once more, which errs on the safe side.
local failures, locked = KEYS[14], KEYS[15]
local seconds = now / 1000
local lifted = redis.call('ZSCORE', locked, name)
if lifted and tonumber(lifted) > seconds then
    return {'locked'}
end
if lifted then
    redis.call('ZREM', locked, name)
end
local stored = redis.call('HGET', box, 'pin')
if not stored then
    return {'wrong'}  -- no such mailbox, or nothing that could be right
end
local how, hash = string.match(stored, '^(.*)%$(.*)$')
if how ~= ARGV[4] then
    return {'salt', how or ''}
end
local differing = #hash == #ARGV[5] and 0 or 1
for index = 1, #hash do  -- all of it, whatever differs: the time taken tells nothing
    differing = differing + (string.byte(hash, index) == string.byte(ARGV[5], index) and 0 or 1)
end
if differing == 0 then
    redis.call('DEL', failures)
    happened('login', '', '', {'from', ARGV[9]})
    return {'right'}
end
local most, window = tonumber(ARGV[6]), tonumber(ARGV[7])
redis.call('RPUSH', failures, string.format('%.3f', seconds))
redis.call('LTRIM', failures, -most, -1)
redis.call('EXPIRE', failures, window)
happened('login-failed', '', '', {'from', ARGV[9]})
if redis.call('LLEN', failures) >= most and tonumber(redis.call('LINDEX', failures, 0)) > seconds - window then
    local lifts = string.format('%.0f', math.ceil(seconds + tonumber(ARGV[8])))
    redis.call('ZADD', locked, lifts, name)
    redis.call('DEL', failures)
    happened('locked', '', '', {'from', ARGV[9], 'until', lifts})
end
return {'wrong'}
