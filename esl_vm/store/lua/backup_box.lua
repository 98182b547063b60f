-- All of a mailbox at one moment, for a backup; changes nothing.
-- KEYS[1]  vm:{pNN}:box:BOX             hash, the mailbox
-- KEYS[2..12]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, the folders
-- KEYS[13]  vm:{pNN}:deleted:BOX        sorted set
-- KEYS[14]  vm:{pNN}:calls:BOX          sorted set
-- KEYS[15]  vm:{pNN}:login:failures:BOX list
-- KEYS[16]  vm:{pNN}:login:outside:BOX  list
-- KEYS[17]  vm:{pNN}:login:locked       sorted set
-- ARGV[1]  what the keys of its messages begin with, ARGV[2]  the mailbox, ARGV[3]  its other member in `locked`
-- Returns nil if there is none; else: its fields; a list of its folders' members and scores; a list of id and fields of each
-- message; members and scores of what was deleted and of its calls; its failures; until when it is locked; both
-- once more, for other telephones than its own; what a legal hold keeps.
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
    return nil
end
local folders, messages = {}, {}
for index = 2, 12 do
    local members = redis.call('ZRANGE', KEYS[index], 0, -1, 'WITHSCORES')
    folders[#folders + 1] = members
    for place = 1, #members, 2 do
        messages[#messages + 1] = members[place]
        messages[#messages + 1] = redis.call('HGETALL', ARGV[1] .. members[place])
    end
end
-- What a legal hold keeps: id, when, and fields of each message.
local held, kept = string.gsub(KEYS[1], ':box:', ':held:', 1), {}
local ids = redis.call('ZRANGE', held, 0, -1, 'WITHSCORES')
for place = 1, #ids, 2 do
    kept[#kept + 1] = {ids[place], ids[place + 1], redis.call('HGETALL', held .. ':' .. ids[place])}
end
return {
    fields, folders, messages,
    redis.call('ZRANGE', KEYS[13], 0, -1, 'WITHSCORES'),
    redis.call('ZRANGE', KEYS[14], 0, -1, 'WITHSCORES'),
    redis.call('LRANGE', KEYS[15], 0, -1),
    redis.call('ZSCORE', KEYS[17], ARGV[2]) or '',
    redis.call('LRANGE', KEYS[16], 0, -1),
    redis.call('ZSCORE', KEYS[17], ARGV[3]) or '',
    kept,
}
