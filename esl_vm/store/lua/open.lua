-- Everything about a mailbox in one look; changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX           hash, the mailbox
-- KEYS[2..12]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, the folders; New and Old first
-- Returns nil if there is none; else JSON: its fields (name and value in turn; of the PIN only what hashing one needs, never
-- its hash), then a list: messages in each folder, urgent ones in New, urgent ones in Old.
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
    return false
end
for index = 1, #fields, 2 do
    if fields[index] == 'pin' then
        fields[index + 1] = string.match(fields[index + 1], '^(.*)%$') or ''
    end
end
local counts = {}
for index = 2, 12 do
    counts[#counts + 1] = redis.call('ZCARD', KEYS[index])
end
counts[#counts + 1] = redis.call('ZCOUNT', KEYS[2], '-inf', '(0')
counts[#counts + 1] = redis.call('ZCOUNT', KEYS[3], '-inf', '(0')
return cjson.encode({fields, counts})
