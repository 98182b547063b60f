-- Set before the scripts that show a mailbox to its owner; changes nothing.
local URGENT = 10000000000000  -- as in common.lua

-- A mailbox's fields (name and value in turn; of the PIN only what hashing one needs, never its hash,
-- of other owners' PINs and of receipts nothing), nil if there is none.
local function fields_of(box)
    local fields = redis.call('HGETALL', box)
    if #fields == 0 then
        return nil
    end
    for index = 1, #fields, 2 do
        if fields[index] == 'pin' then
            fields[index + 1] = string.match(fields[index + 1], '^(.*)%$') or ''
        elseif fields[index] == 'pin_former' or fields[index] == 'receipts_asked' then
            fields[index + 1] = ''
        elseif string.sub(fields[index], 1, 6) == 'owner.' then
            local readable, owner = pcall(cjson.decode, fields[index + 1])
            if readable and type(owner) == 'table' then
                owner.pin, owner.former = nil, nil
                fields[index + 1] = cjson.encode(owner)
            else
                fields[index + 1] = '{}'
            end
        end
    end
    return fields
end

-- How many messages lie in each of KEYS[2..12], the folders; then urgent ones in New, urgent ones in Old.
local function counts_of_folders()
    local counts = {}
    for index = 2, 12 do
        counts[#counts + 1] = redis.call('ZCARD', KEYS[index])
    end
    counts[#counts + 1] = redis.call('ZCOUNT', KEYS[2], '-inf', '(0')
    counts[#counts + 1] = redis.call('ZCOUNT', KEYS[3], '-inf', '(0')
    return counts
end

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

-- Up to `count` pairs of id and score from `low` to `high`, after the place (score, id); `back`: from the highest on.
local function range(folder, low, high, score, id, count, back)
    local command, from, to = 'ZRANGEBYSCORE', low, high
    if back then
        command, from, to = 'ZREVRANGEBYSCORE', high, low
    end
    if score and (back or low == '-inf' or score > tonumber(low)) then
        from = string.format('%.0f', score)
    end
    local found, offset = {}, 0
    while #found < count do
        local part = redis.call(command, folder, from, to, 'WITHSCORES', 'LIMIT', offset, count)
        for index = 1, #part, 2 do
            local other, at = part[index], tonumber(part[index + 1])
            if #found < count and (at ~= score or comes_after(back and id or other, back and other or id)) then
                found[#found + 1] = {other, at}
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

-- The next `count` pairs of a folder in the order asked for (`which`, see page.lua).
local function next_ones(folder, which, score, id, count)
    local part, backwards = string.match(which, '^(%a+)(.*)$')
    if part == 'urgent' then
        if score and score >= 0 then
            return {}
        end
        return range(folder, '-inf', '(0', score, id, count, backwards ~= '')
    elseif part == 'other' then
        return range(folder, '0', '+inf', score, id, count, backwards ~= '')
    elseif which == 'first' then
        return range(folder, '-inf', '+inf', score, id, count)
    end
    local at, back = score and time_of(score), which == 'newest'
    local urgent = range(folder, '-inf', '(0', at and at - URGENT, id, count, back)
    local other = range(folder, '0', '+inf', at, id, count, back)
    local merged, u, o = {}, 1, 1
    while #merged < count and (urgent[u] or other[o]) do
        local first = urgent[u]
        if first and other[o] then
            local a, b = time_of(first[2]), other[o][2]
            local later = a > b or (a == b and comes_after(first[1], other[o][1]))
            if later ~= back then
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

-- A part of a folder: how many it holds, then for each message its id, its score and its fields (name and value in turn).
-- messages: what their keys begin with. which, score, id, most: as page.lua's arguments. Reads no more than it returns.
local function page_of(folder, messages, which, score, id, most)
    local page = {0}
    local part = string.match(which, '^%a+')
    if part == 'urgent' then
        page[1] = redis.call('ZCOUNT', folder, '-inf', '(0')
    elseif part == 'other' then
        page[1] = redis.call('ZCOUNT', folder, '0', '+inf')
    else
        page[1] = redis.call('ZCARD', folder)
    end
    local count = 0
    while count < most do
        local part = next_ones(folder, which, score, id, most - count)
        if #part == 0 then
            break
        end
        for _, pair in ipairs(part) do
            id, score = pair[1], pair[2]
            local fields = redis.call('HGETALL', messages .. id)
            if #fields > 0 then
                page[#page + 1] = id
                page[#page + 1] = string.format('%.0f', score)
                page[#page + 1] = fields
                count = count + 1
            end
        end
    end
    return page
end
