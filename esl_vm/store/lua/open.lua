-- Everything about a mailbox in one look; changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX           hash, the mailbox
-- KEYS[2..12]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, the folders; New and Old first
-- KEYS[13]  vm:{pNN}:aliases         hash, the partition's aliases: whose each is
-- ARGV[1]  the mailbox's name, number@domain
-- Returns nil if there is none; of an alias the mailbox that has it; else JSON: its fields (name and value in turn; of the PIN only what hashing one needs, never
-- its hash), then a list: messages in each folder, urgent ones in New, urgent ones in Old.
-- Begins with reading.lua.
local fields = fields_of(KEYS[1])
if not fields then
    return redis.call('HGET', KEYS[13], ARGV[1])
end
return cjson.encode({fields, counts_of_folders()})
