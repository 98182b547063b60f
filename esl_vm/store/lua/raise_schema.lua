-- The next schema is in force: every mailbox was converted, and no process is left that does not know it.
-- KEYS[1]  vm:meta                    hash, schema and partitions, and how far migrations are
-- ARGV[1]  the schema before, ARGV[2]  the schema from now on
-- Returns 1, or 0 if another schema was in force. Repeating changes nothing.
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema == ARGV[2] then
    return 1
end
if schema ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[1], 'schema', ARGV[2])
redis.call('HDEL', KEYS[1], 'migration.' .. ARGV[2] .. '.first', 'migration.' .. ARGV[2] .. '.final')
return 1
