-- Drop a job unsent.
-- Begins with queue.lua.
-- ARGV[1]  id
-- Returns 1, or 0 if there is no such job: repeating is harmless. One that is just being sent can't be called back.
return drop(ARGV[1])
