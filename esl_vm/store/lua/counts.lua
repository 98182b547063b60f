-- How many messages lie in each folder; changes nothing.
-- KEYS[1..11]  vm:{pNN}:folder:BOX:FOLDER  sorted sets, the folders; New and Old first
-- Returns a list: messages in each folder, urgent ones in New, urgent ones in Old.
local counts = {}
for index = 1, 11 do
    counts[#counts + 1] = redis.call('ZCARD', KEYS[index])
end
counts[#counts + 1] = redis.call('ZCOUNT', KEYS[1], '-inf', '(0')
counts[#counts + 1] = redis.call('ZCOUNT', KEYS[2], '-inf', '(0')
return counts
