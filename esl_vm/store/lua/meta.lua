-- What an installation is built on, written by the first process that comes.
-- KEYS[1]  vm:meta                    hash, schema and partitions
-- ARGV[1]  schema version, ARGV[2]  number of partitions
-- Returns both as they are stored. Repeating changes nothing.
redis.call('HSETNX', KEYS[1], 'schema', ARGV[1])
redis.call('HSETNX', KEYS[1], 'partitions', ARGV[2])
return redis.call('HMGET', KEYS[1], 'schema', 'partitions')
