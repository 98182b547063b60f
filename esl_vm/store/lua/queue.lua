-- The jobs of one kind of one mailbox are begun in the order they came: they stand in a queue, and only its first can be
-- claimed. The others are due, too, but so much later; whoever finds one then looks whether there is still one before it.
local BEHIND_S = 600

-- The first of a queue that is still to be done (older versions of the service leave what they finished in it).
local function first_of(queue, due)
    local id = redis.call('LINDEX', queue, 0)
    while id and not redis.call('ZSCORE', due, id) do
        redis.call('LPOP', queue)
        id = redis.call('LINDEX', queue, 0)
    end
    return id
end

-- A job keeps the others of its mailbox waiting no more: the next one is due since it was planned.
local function leave(id, queues, due, since)
    local queue = redis.call('HGET', queues, id)
    if queue then
        local before = first_of(queue, due)
        redis.call('LREM', queue, 1, id)
        redis.call('HDEL', queues, id)
        local next_one = first_of(queue, due)
        if next_one and next_one ~= before then
            redis.call('ZADD', due, redis.call('HGET', since, next_one) or 0, next_one)
        end
    end
end
