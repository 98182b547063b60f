-- A part of a folder with its messages' fields; changes nothing, reads no more than it returns.
-- KEYS[1]  vm:{pNN}:folder:BOX:FOLDER  sorted set, the folder
-- ARGV[1]  what the messages' keys begin with, vm:{pNN}:msg:BOX: (the same tag, hence the same slot)
-- ARGV[2]  which: urgent, other, first (all, urgent ones first), time (all, by time alone) or newest (the same, backwards)
-- ARGV[3], ARGV[4]  score and id of the place after which to begin, `` = the start
-- ARGV[5]  most messages
-- Returns JSON, which is read faster than as many replies: how many the folder (that part of it) holds, then for each
-- message its id, its score and its fields (name and value in turn).
-- Begins with reading.lua.
return cjson.encode(page_of(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])))
