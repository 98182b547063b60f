-- KEYS of every script of the outbox. In the hashes the field is the job's id, but for the claims.
local DUE = KEYS[1]       -- vm:{outbox}:due:KIND: sorted set, jobs of one kind by when they are to be tried, epoch seconds
local JOBS = KEYS[2]      -- vm:{outbox}:jobs: hash, what is to be sent
local SINCE = KEYS[3]     -- vm:{outbox}:since: hash, when it was planned, epoch seconds
local ATTEMPTS = KEYS[4]  -- vm:{outbox}:attempts: hash, how often it was begun
local ERRORS = KEYS[5]    -- vm:{outbox}:errors: hash, why the last attempt failed
local LEASES = KEYS[6]    -- vm:{outbox}:leases: hash, who holds it
local CLAIMS = KEYS[7]    -- vm:{outbox}:claims: hash, the job, by who holds it
local QUEUES = KEYS[8]    -- vm:{outbox}:queues: hash, the key of the queue it stands in
local DEAD = KEYS[9]      -- vm:{outbox}:dead: sorted set, jobs given up by when
local DONE = KEYS[10]     -- vm:{outbox}:done: sorted set, jobs that were done by when

-- The jobs of one kind of one mailbox are begun in the order they came: they stand in a queue, and only its first can be
-- claimed. The others are due, too, but so much later; whoever finds one then looks whether there is still one before it.
local BEHIND_S = 600

-- The first of a queue that is still to be done (older versions of the service leave what they finished in it).
local function first_of(queue)
    local id = redis.call('LINDEX', queue, 0)
    while id and not redis.call('ZSCORE', DUE, id) do
        redis.call('LPOP', queue)
        id = redis.call('LINDEX', queue, 0)
    end
    return id
end

-- A job keeps the others of its mailbox waiting no more: the next one is due since it was planned.
local function leave(id)
    local queue = redis.call('HGET', QUEUES, id)
    if queue then
        local before = first_of(queue)
        redis.call('LREM', queue, 1, id)
        redis.call('HDEL', QUEUES, id)
        local next_one = first_of(queue)
        if next_one and next_one ~= before then
            redis.call('ZADD', DUE, redis.call('HGET', SINCE, next_one) or 0, next_one)
        end
    end
end

-- Nobody holds it any more.
local function let_go(id)
    local holder = redis.call('HGET', LEASES, id)
    if holder then
        redis.call('HDEL', CLAIMS, holder)
        redis.call('HDEL', LEASES, id)
    end
end

-- Forget a job. Returns 1, or 0 if there was none.
local function drop(id)
    leave(id)
    let_go(id)
    redis.call('ZREM', DUE, id)
    redis.call('ZREM', DEAD, id)
    for _, hash in ipairs({SINCE, ATTEMPTS, ERRORS}) do
        redis.call('HDEL', hash, id)
    end
    return redis.call('HDEL', JOBS, id)
end
