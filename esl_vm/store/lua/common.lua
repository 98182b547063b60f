-- Set before every script of a change. The KEYS that all of these have in common:
-- KEYS[1]      vm:{pNN}:box:BOX              hash, the mailbox
-- KEYS[2]      vm:{pNN}:events               stream, what happened in this partition
-- KEYS[3..13]  vm:{pNN}:folder:BOX:FOLDER    sorted sets, the folders in the order of FOLDERS
-- and the ARGV:
-- ARGV[1]  the mailbox's name, number@domain
-- ARGV[2]  now, milliseconds since 1970
-- ARGV[3]  about how many events the stream keeps
-- and the last one, which is taken off here: who does it (model/actor.py), `` = nobody in particular
-- The last of the KEYS is taken off here too: vm:{pNN}:call-ids, sorted set, messages by the ids of their calls
local FOLDERS = {'new', 'old', 'work', 'family', 'friends', 'cust1', 'cust2', 'cust3', 'cust4', 'cust5', 'trash'}

-- An urgent message's score is so much lower than its time (milliseconds since 1970): in the sorted set urgent
-- messages come first, are counted and paged by a range of scores, and no second set has to agree with the first.
local URGENT = 10000000000000

local box, events, name, now = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local by, call_ids = table.remove(ARGV), table.remove(KEYS)
local new, old, trash = KEYS[3], KEYS[4], KEYS[13]
local FOLDER_KEYS = {}
for index, folder in ipairs(FOLDERS) do
    FOLDER_KEYS[folder] = KEYS[index + 2]
end

local function text(number)
    return string.format('%.0f', number)
end

-- The score behind all of its kind (urgent or not) in a folder; at least now.
local function end_of(folder, urgent)
    local shift = urgent and URGENT or 0
    local last
    if urgent then
        last = redis.call('ZREVRANGEBYSCORE', folder, '(0', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    else
        last = redis.call('ZREVRANGE', folder, 0, 0, 'WITHSCORES')[2]
    end
    if last and tonumber(last) >= now - shift then
        return text(tonumber(last) + 1)
    end
    return text(now - shift)
end

-- Set a field of the mailbox; nil unsets it.
local function set(field, value)
    if value then
        redis.call('HSET', box, field, value)
    else
        redis.call('HDEL', box, field)
    end
end

-- Milliseconds of sound in all folders but the trash, kept in the mailbox for its quota.
local function add_sound(ms)
    if ms ~= 0 and redis.call('HINCRBY', box, 'sound_ms', ms) <= 0 then
        redis.call('HDEL', box, 'sound_ms')
    end
end

-- Messages a folder of this mailbox may hold, 0 = no limit; `usual` where the mailbox says nothing that is a number.
local function room_of_folders(usual)
    return tonumber(redis.call('HGET', box, 'maxmsg') or usual) or tonumber(usual)
end

-- Fields whose values are nobody's business; of these the events say only that they changed.
local SECRET = {webhook = true}

-- What changes of a mailbox, as JSON: [[field, before, after], …] in the order of the names, `` = unset.
-- fields: names and values in turn. unset: names.
local function changes_of(fields, unset)
    local after, names, changes = {}, {}, {}
    for index = 1, #fields, 2 do
        after[fields[index]] = fields[index + 1]
    end
    for _, field in ipairs(unset) do
        after[field] = ''
    end
    for field in pairs(after) do
        names[#names + 1] = field
    end
    table.sort(names)
    for _, field in ipairs(names) do
        local was, is = redis.call('HGET', box, field) or '', after[field]
        if was ~= is then
            if SECRET[field] then
                was, is = was ~= '' and 'set' or '', is ~= '' and 'changed' or ''
            end
            changes[#changes + 1] = {field, was, is}
        end
    end
    return #changes > 0 and cjson.encode(changes) or ''
end

-- Write what happened, with the counts after it; `more` holds further names and values.
local function happened(what, id, payload, more)
    local entry = {
        'what', what, 'box', name, 'id', id, 'at', string.format('%.3f', now / 1000),
        'new', redis.call('ZCARD', new), 'old', redis.call('ZCARD', old),
        'urgent', redis.call('ZCOUNT', new, '-inf', '(0'), 'urgent_old', redis.call('ZCOUNT', old, '-inf', '(0'),
    }
    local accounts = {}
    for _, field in ipairs(redis.call('HMGET', box, 'extensions', 'aliases')) do
        if field and field ~= '' then
            accounts[#accounts + 1] = field
        end
    end
    if #accounts > 0 then
        entry[#entry + 1] = 'extensions'
        entry[#entry + 1] = table.concat(accounts, ',')
    end
    if by ~= '' then
        entry[#entry + 1] = 'by'
        entry[#entry + 1] = by
    end
    for _, value in ipairs(more or {}) do
        entry[#entry + 1] = value
    end
    if payload ~= '' then
        entry[#entry + 1] = 'payload'
        entry[#entry + 1] = payload
    end
    redis.call('XADD', events, 'MAXLEN', '~', ARGV[3], '*', unpack(entry))
end

-- What a legal hold keeps of what was erased: sorted set of ids by when, the messages' hashes beside it under `held:ID`.
local held = string.gsub(box, ':box:', ':held:', 1)

-- Whether nothing of this mailbox may be erased: a legal hold, for good (0) or until an epoch second.
local function is_held()
    local ends = tonumber(redis.call('HGET', box, 'hold_until') or '')
    return ends and (ends == 0 or ends > now / 1000)
end

-- Erase a message's hash; under a hold put it where nobody looks, and leave its sounds.
local function erase_message(message, id)
    if is_held() then
        redis.call('RENAME', message, held .. ':' .. id)
        redis.call('ZADD', held, text(now), id)
        return false
    end
    redis.call('DEL', message)
    return true
end

-- Enter a message, so that it is found by the ids of its call: scores and members in turn.
local function enter_call(scored)
    if #scored > 0 then
        redis.call('ZADD', call_ids, unpack(scored))
    end
end

-- That message is gone.
local function forget_call(id)
    redis.call('ZREM', call_ids, name .. ' ' .. id, name .. ' ' .. id .. ' uuid')
end

-- Remember ids for as long as a late delivery of them may come.
local function remember(deleted, keep_s, ids)
    redis.call('ZREMRANGEBYSCORE', deleted, '-inf', text(now - keep_s * 1000))
    for _, id in ipairs(ids) do
        redis.call('ZADD', deleted, text(now), id)
    end
    redis.call('EXPIRE', deleted, keep_s)
end
