-- A part of a folder with its messages' fields; changes nothing, reads no more than it returns.
-- KEYS[1]  vm:{pNN}:folder:BOX:FOLDER  sorted set, the folder
-- ARGV[1]  what the messages' keys begin with, vm:{pNN}:msg:BOX: (the same tag, hence the same slot)
-- ARGV[2]  which: urgent, other, first (all, urgent ones first) or time (all, by time alone)
-- ARGV[3], ARGV[4]  score and id of the place after which to begin, `` = the start
-- ARGV[5]  most messages
-- Returns JSON, which is read faster than as many replies: how many the folder (that part of it) holds, then for each
-- message its id, its score and its fields (name and value in turn).
local URGENT = 10000000000000  -- as in common.lua
local folder, which, most = KEYS[1], ARGV[2], tonumber(ARGV[5])

-- Whether an id sorts after another, byte by byte as Redis does (Lua's own order depends on the machine's locale).
local function comes_after(id, other)
    for index = 1, math.min(#id, #other) do
        local a, b = string.byte(id, index), string.byte(other, index)
        if a ~= b then
            return a > b
        end
    end
    return #id > #other
end

-- Up to `count` pairs of id and score with low <= score and not beyond `high`, after the place (score, id).
local function range(low, high, score, id, count)
    local from = low
    if score and (low == '-inf' or score > tonumber(low)) then
        from = string.format('%.0f', score)
    end
    local found, offset = {}, 0
    while #found < count do
        local part = redis.call('ZRANGEBYSCORE', folder, from, high, 'WITHSCORES', 'LIMIT', offset, count)
        for index = 1, #part, 2 do
            local at = tonumber(part[index + 1])
            if #found < count and (not score or at > score or comes_after(part[index], id)) then
                found[#found + 1] = {part[index], at}
            end
        end
        if #part < 2 * count then
            break
        end
        offset = offset + count
    end
    return found
end

local function time_of(score)
    return score < 0 and score + URGENT or score
end

-- The next `count` pairs in the order asked for.
local function next_ones(score, id, count)
    if which == 'urgent' then
        if score and score >= 0 then
            return {}
        end
        return range('-inf', '(0', score, id, count)
    elseif which == 'other' then
        return range('0', '+inf', score, id, count)
    elseif which == 'first' then
        return range('-inf', '+inf', score, id, count)
    end
    local at = score and time_of(score)
    local urgent = range('-inf', '(0', at and at - URGENT, id, count)
    local other = range('0', '+inf', at, id, count)
    local merged, u, o = {}, 1, 1
    while #merged < count and (urgent[u] or other[o]) do
        local first = urgent[u]
        if first and other[o] then
            local a, b = time_of(first[2]), other[o][2]
            if a > b or (a == b and comes_after(first[1], other[o][1])) then
                first = nil
            end
        end
        if first then
            u = u + 1
        else
            first = other[o]
            o = o + 1
        end
        merged[#merged + 1] = first
    end
    return merged
end

local page = {0}
if which == 'urgent' then
    page[1] = redis.call('ZCOUNT', folder, '-inf', '(0')
elseif which == 'other' then
    page[1] = redis.call('ZCOUNT', folder, '0', '+inf')
else
    page[1] = redis.call('ZCARD', folder)
end
local score, id = tonumber(ARGV[3]), ARGV[4]
local count = 0
while count < most do
    local part = next_ones(score, id, most - count)
    if #part == 0 then
        break
    end
    for _, pair in ipairs(part) do
        id, score = pair[1], pair[2]
        local fields = redis.call('HGETALL', ARGV[1] .. id)
        if #fields > 0 then
            page[#page + 1] = id
            page[#page + 1] = string.format('%.0f', score)
            page[#page + 1] = fields
            count = count + 1
        end
    end
end
return cjson.encode(page)
