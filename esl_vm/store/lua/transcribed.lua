-- Put a message's transcript with it.
-- Begins with common.lua.
-- KEYS[14]  vm:{pNN}:msg:BOX:ID       hash, the message
-- ARGV[4]  id
-- ARGV[5]  the transcript, JSON
-- ARGV[6..8]  its state, its language, how many letters it has: all that the event says of it
-- Returns 1, or 0 if there is no such message or it has a transcript: repeating is harmless. One that failed gives way.
local message, id = KEYS[14], ARGV[4]
local had = redis.call('HGET', message, 'transcript')
local failed = had and string.find(had, '"state":"failed"', 1, true)
if redis.call('HEXISTS', message, 'folder') == 0 or (had and (not failed or ARGV[6] == 'failed')) then
    return 0
end
redis.call('HSET', message, 'transcript', ARGV[5])
happened('transcribed', id, '', {'state', ARGV[6], 'language', ARGV[7], 'text_length', ARGV[8]})
return 1
