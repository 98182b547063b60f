-- What an installation is built on, written by the first process that comes.
-- KEYS[1]  vm:meta                    hash, schema, partitions and the installation's id
-- ARGV[1]  schema version, ARGV[2]  number of partitions, ARGV[3]  an id for a new installation
-- Returns all three as they are stored. Repeating changes nothing.
redis.call('HSETNX', KEYS[1], 'schema', ARGV[1])
redis.call('HSETNX', KEYS[1], 'partitions', ARGV[2])
redis.call('HSETNX', KEYS[1], 'installation', ARGV[3])
return redis.call('HMGET', KEYS[1], 'schema', 'partitions', 'installation')
