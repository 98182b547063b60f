-- Write down in a sender's mailbox that a receipt is awaited, or when his message was first heard.
-- Begins with common.lua.
-- ARGV[4]  the message's id in the mailbox it went to, ARGV[5]  that mailbox
-- ARGV[6]  when it came there, epoch seconds
-- ARGV[7]  when it was first heard, epoch seconds, `` = not yet
-- ARGV[8]  how many a mailbox keeps
-- Returns -1 where there is no such mailbox, 1, or 0 if it stands there already: repeating changes nothing and writes no
-- event. What was heard stays heard, whichever of both is told first.
if redis.call('EXISTS', box) == 0 then
    return -1
end
local readable, kept = pcall(cjson.decode, redis.call('HGET', box, 'receipts_asked') or '[]')
if not readable or type(kept) ~= 'table' then
    kept = {}
end
local found
for _, one in ipairs(kept) do
    if one.id == ARGV[4] then
        found = one
    end
end
if found and (ARGV[7] == '' or found.heard) then
    return 0
end
if not found then
    found = {id = ARGV[4], to = ARGV[5], sent = ARGV[6]}
    kept[#kept + 1] = found
    while #kept > tonumber(ARGV[8]) do
        table.remove(kept, 1)
    end
end
if ARGV[7] ~= '' then
    found.heard = ARGV[7]
    happened('receipt', ARGV[4], '', {'heard_by', ARGV[5], 'heard_at', ARGV[7]})
end
redis.call('HSET', box, 'receipts_asked', cjson.encode(kept))
return 1
