-- Begin a broadcast, or go on with one.
-- KEYS[1]  vm:broadcast:NAME          hash, when it was begun, which sound it is, when it ends
-- ARGV[1]  now, milliseconds since 1970
-- ARGV[2]  what tells its sound from others
-- ARGV[3]  seconds for which it is remembered after it was last gone on with
-- ARGV[4]  epoch seconds at which it ends, 0 = never
-- Returns when it was begun, milliseconds since 1970, its sound, and its end. Repeating changes none of them.
redis.call('HSETNX', KEYS[1], 'begun', ARGV[1])
redis.call('HSETNX', KEYS[1], 'sound', ARGV[2])
redis.call('HSETNX', KEYS[1], 'until', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HMGET', KEYS[1], 'begun', 'sound', 'until')
