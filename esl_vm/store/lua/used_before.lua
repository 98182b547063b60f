-- Whether a PIN is one that an owner of a mailbox may not choose (again). Changes nothing.
-- Begins with owners.lua.
-- KEYS[1]  vm:{pNN}:box:BOX              hash, the mailbox
-- ARGV[1]  the owner's number, 0: one who is to be added
-- ARGV[2]  yes: the PIN in force and the former ones are not to be chosen again
-- ARGV[3..]  the PIN's hashes, in the order of what this returned before; none the first time
-- Returns, without hashes, how each of these PINs, and of the other owners', is hashed (scrypt$n$r$p$salt); else `before`, `taken` if another owner has it, or ``.
local number, others, fields = tonumber(ARGV[1]), other_owners(KEYS[1]), redis.call('HMGET', KEYS[1], 'pin', 'pin_former')
others[1] = fields[1] and {pin = fields[1], former = fields[2] or nil}
local stored, own = {}, 0
local me = others[number]
if me and ARGV[2] == 'yes' then
    for hash in string.gmatch(me.pin .. ' ' .. (me.former or ''), '%S+') do
        stored[#stored + 1] = hash
    end
    own = #stored
end
for other = 1, MOST_OWNERS do
    if others[other] and other ~= number then
        stored[#stored + 1] = others[other].pin
    end
end
if #ARGV == 2 then
    local hows = {}
    for index, hash in ipairs(stored) do
        hows[index] = parts_of(hash)
    end
    return hows
end
for index, hash in ipairs(stored) do
    if ARGV[index + 2] == hash then
        return index > own and 'taken' or 'before'
    end
end
return ''
