-- Renaming, fourth step: forget messages under the old name. Their sounds are the new one's.
-- KEYS[1]  vm:{pNN}:moving:BOX:FOLDER  sorted set, the folder they lay in
-- KEYS[2..]  vm:{pNN}:msg:BOX:ID       hashes, the messages
-- ARGV     their ids, in the order of their keys
-- Returns how many went. Repeating finds none.
local gone = 0
for index, id in ipairs(ARGV) do
    gone = gone + redis.call('ZREM', KEYS[1], id)
    redis.call('DEL', KEYS[index + 1])
end
return gone
