-- Whether a PIN is the mailbox's, or one of its former ones. Changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX              hash, the mailbox
-- ARGV     the PIN's hashes, in the order of what this returned before; none the first time
-- Returns, without ARGV, how each of its PINs is hashed (scrypt$n$r$p$salt); else 1 if one of them is the same, or 0.
local stored = {}
local fields = redis.call('HMGET', KEYS[1], 'pin', 'pin_former')
for hash in string.gmatch((fields[1] or '') .. ' ' .. (fields[2] or ''), '%S+') do
    stored[#stored + 1] = hash
end
if #ARGV == 0 then
    local hows = {}
    for index, hash in ipairs(stored) do
        hows[index] = string.match(hash, '^(.*)%$') or ''
    end
    return hows
end
for index, hash in ipairs(stored) do
    if ARGV[index] == hash then
        return 1
    end
end
return 0
