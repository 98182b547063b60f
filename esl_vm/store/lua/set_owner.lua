-- Add an owner of a mailbox besides the first, give one a new PIN or another name, or take one away.
-- Begins with common.lua and owners.lua.
-- ARGV[4]  2 to 8: which one; 0: one more
-- ARGV[5]  the name that owner is to have, a line feed = as it is, `` = none: take the owner away
-- ARGV[6]  scrypt$n$r$p$salt$hash, `` = the PIN stays
-- ARGV[7]  another mark whenever the PIN is
-- ARGV[8]  yes if its owner did not choose it
-- ARGV[9]  how many former hashes are kept, ARGV[10]  yes: when it was set is kept
-- Returns done and the owner's number; or no mailbox, no pin (the first has none, and so opens to anybody), changed (the first has another
-- PIN than the hash was made for; ask again), taken (another owner has that PIN), name (another has that name), full, gone.
-- Repeating sets the same again; of an owner who was added the mark is known.
if redis.call('EXISTS', box) == 0 then
    return {'no mailbox'}
end
local number, wanted, pin = tonumber(ARGV[4]), ARGV[5], ARGV[6]
local others = other_owners(box)
local own = redis.call('HGET', box, 'pin')
if number == 0 then
    for other, owner in pairs(others) do
        if owner.mark == ARGV[7] then
            return {'done', other}
        end
    end
    if not own then
        return {'no pin'}
    end
    for slot = MOST_OWNERS, 2, -1 do
        number = redis.call('HEXISTS', box, 'owner.' .. slot) == 0 and slot or number
    end
    if number == 0 then
        return {'full'}
    end
elseif not others[number] then
    return {'gone'}
end
local owner = others[number] or {}
wanted = wanted == '\n' and owner.name or wanted
local field = 'owner.' .. number
if wanted == '' then
    redis.call('HDEL', box, field)
    happened('box-changed', '', '', {'changes', cjson.encode({{'owner', owner.name, ''}})})
    return {'done', number}
end
local names = {[1] = redis.call('HGET', box, 'name') or ''}
for other, one in pairs(others) do
    names[other] = one.name
end
for other, name_of_other in pairs(names) do
    if other ~= number and string.lower(name_of_other) == string.lower(wanted) then
        return {'name'}
    end
end
if pin ~= '' then
    if parts_of(own) ~= parts_of(pin) then
        return {'changed'}
    end
    if is_taken(box, others, number, pin) then
        return {'taken'}
    end
    local was = owner.pin ~= pin and owner.pin or nil
    owner.former = with_former(owner.former, was, tonumber(ARGV[9]))
    owner.pin, owner.mark = pin, ARGV[7]
    owner.initial = ARGV[8] == 'yes' or nil
    owner.changed = ARGV[10] == 'yes' and now / 1000 or nil
end
local before = owner.name
owner.name = wanted
redis.call('HSET', box, field, cjson.encode(owner))
if before ~= wanted then
    happened('box-changed', '', '', {'changes', cjson.encode({{'owner', before or '', wanted}})})
else
    happened('pin-changed', '', '', {'pin', ARGV[8] == 'yes' and 'set' or 'changed', 'owner', wanted})
end
return {'done', number}
