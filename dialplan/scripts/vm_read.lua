-- lua vm_read.lua USER@DOMAIN[/profile] read|unread [UUID]
local api = dofile(freeswitch.getGlobalVariable("script_dir") .. "/voicemail_api.lua")

if not argv[1] then
  stream:write("Usage: <id>@<domain>[/profile] <read|unread> [<uuid>]\n")
  return
end
local mailbox = api.mailbox(argv[1])
local how = ({ read = { "heard", "new" }, unread = { "new", "old" } })[(argv[2] or ""):lower()]
local ids = mailbox and how and api.ids(mailbox, { how[2] }, argv[3])
stream:write(ids and api.batch(mailbox, how[1], ids) and "+OK\n" or api.UNKNOWN)
