-- Renaming, fourth step: forget messages under the old name. Their sounds are the new one's.
-- KEYS[1]  vm:{pNN}:moving:BOX:FOLDER  sorted set, the folder they lay in
-- KEYS[2]  vm:{pNN}:call-ids           sorted set, messages by the ids of their calls
-- KEYS[3..]  vm:{pNN}:msg:BOX:ID       hashes, the messages
-- ARGV[1]  the old name, ARGV[2..]  their ids, in the order of their keys
-- Returns how many went. Repeating finds none.
local gone = 0
for index = 2, #ARGV do
    gone = gone + redis.call('ZREM', KEYS[1], ARGV[index])
    redis.call('ZREM', KEYS[2], ARGV[1] .. ' ' .. ARGV[index], ARGV[1] .. ' ' .. ARGV[index] .. ' uuid')
    redis.call('DEL', KEYS[index + 1])
end
return gone
