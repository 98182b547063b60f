-- Renaming, fifth step: the mailbox of the new name is whole.
-- Begins with common.lua; its keys are those of the new name.
-- ARGV[4]  the old name
-- Returns 1, or 0 if that was known. Its event carries the counts, for the lamps.
if redis.call('HGET', box, 'renamed_from') ~= ARGV[4] then
    return 0
end
redis.call('HDEL', box, 'renamed_from')
happened('box-changed', '', '', {'renamed_from', ARGV[4]})
return 1
