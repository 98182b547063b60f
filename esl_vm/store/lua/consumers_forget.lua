-- Forget who read a stream for a group and is gone: processes that ended, each of which had a name of its own.
-- KEYS[1]  vm:{pNN}:events            stream
-- ARGV[1]  the group
-- ARGV[2]  milliseconds for which it must have read nothing
-- Returns how many were forgotten. Who has entries left unfinished is kept, until another has claimed them; one who is
-- still there after all is known again with its next read. Repeating is harmless.
local forgotten = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local about = {}
    for index = 1, #consumer, 2 do
        about[consumer[index]] = consumer[index + 1]
    end
    if about['pending'] == 0 and about['idle'] >= tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about['name'])
        forgotten = forgotten + 1
    end
end
return forgotten
