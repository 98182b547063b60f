-- Write down what was done with a mailbox, or a distribution list, without changing it.
-- Begins with common.lua.
-- ARGV[4]  what, ARGV[5]  the message's id, `` = none
-- ARGV[6]  JSON: names and values in turn
-- Returns 1. Repeating tells it again.
redis.call('XTRIM', events, 'MAXLEN', '~', ARGV[3])  -- first: a full Redis takes that, and lets a script that began with it go on
happened(ARGV[4], ARGV[5], '', cjson.decode(ARGV[6]))
return 1
