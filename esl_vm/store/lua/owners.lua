-- Set before the scripts that know several owners of a mailbox; changes nothing.
-- The first is the mailbox's own fields (name, pin); the others are its fields owner.2 to owner.8, each JSON: name, pin (hashed with
-- the first one's costs and salt: one hash of a typed PIN is compared with all), mark, initial, changed, former.
local MOST_OWNERS = 8

-- The others by number; what was written by hand and can't be read is none of them.
local function other_owners(box)
    local found = {}
    for number = 2, MOST_OWNERS do
        local kept = redis.call('HGET', box, 'owner.' .. number)
        local readable, owner = pcall(cjson.decode, kept or '')
        if readable and type(owner) == 'table' and type(owner.pin) == 'string' and type(owner.name) == 'string' then
            found[number] = owner
        end
    end
    return found
end

-- How a PIN is hashed (scrypt$n$r$p$salt), and its hash.
local function parts_of(pin)
    local how, hash = string.match(pin or '', '^(.*)%$(.*)$')
    return how or '', hash or ''
end

-- Whether an owner other than that one has the PIN.
local function is_taken(box, others, number, pin)
    if number ~= 1 and redis.call('HGET', box, 'pin') == pin then
        return true
    end
    for other, owner in pairs(others) do
        if other ~= number and owner.pin == pin then
            return true
        end
    end
    return false
end

-- A former PIN's hash before those that are kept, as many as are.
local function with_former(former, pin, most)
    local kept = {}
    for hash in string.gmatch((pin and pin .. ' ' or '') .. (former or ''), '%S+') do
        if #kept < most then
            kept[#kept + 1] = hash
        end
    end
    return #kept > 0 and table.concat(kept, ' ') or nil
end

