-- Everything about a mailbox in one look; changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX           hash, the mailbox
-- KEYS[2..12]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, the folders; New and Old first
-- Returns nil if there is none; else JSON: its fields (name and value in turn; of the PIN only what hashing one needs, never
-- its hash), then a list: messages in each folder, urgent ones in New, urgent ones in Old.
-- Begins with reading.lua.
local fields = fields_of(KEYS[1])
return fields and cjson.encode({fields, counts_of_folders()})
