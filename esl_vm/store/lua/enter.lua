-- Everything about a mailbox, and the first page of the folder that opens for its owner; changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX           hash, the mailbox
-- KEYS[2..12]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, the folders; New and Old first
-- KEYS[13]  vm:{pNN}:aliases         hash, the partition's aliases: whose each is
-- ARGV[1]  the mailbox's name, number@domain
-- ARGV[2]  what the messages' keys begin with, vm:{pNN}:msg:BOX: (the same tag, hence the same slot)
-- ARGV[3]  most messages
-- ARGV[4]  newest_first where the mailbox does not say: yes or no
-- Returns nil if there is none; of an alias the mailbox that has it; else what open.lua returns, and what page.lua returns of New's urgent messages, of its
-- others, or of Old: the first of these in which there is something, else of New. Two replies, for many a visit looks at
-- no message.
-- Begins with reading.lua.
local fields = fields_of(KEYS[1])
if not fields then
    return redis.call('HGET', KEYS[13], ARGV[1])
end
local counts = counts_of_folders()
local new, old, urgent = counts[1], counts[2], counts[12]
local back = ARGV[4]
for index = 1, #fields, 2 do
    if fields[index] == 'newest_first' then
        back = fields[index + 1]
    end
end
local folder, which = KEYS[2], 'other'
if urgent > 0 then
    which = 'urgent'
elseif new == 0 and old > 0 then
    folder, which = KEYS[3], 'time'
end
if back == 'yes' then
    which = which == 'time' and 'newest' or which .. '-back'
end
local page = page_of(folder, ARGV[2], which, nil, '', tonumber(ARGV[3]))
return {cjson.encode({fields, counts}), cjson.encode(page)}
