-- How many messages lie in each folder; changes nothing.
-- KEYS[1..12]  as in open.lua
-- Returns a list: messages in each folder, urgent ones in New, urgent ones in Old.
-- Begins with reading.lua.
return counts_of_folders()
