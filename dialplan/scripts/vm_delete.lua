-- lua vm_delete.lua USER@DOMAIN[/profile] [UUID]
local api = dofile(freeswitch.getGlobalVariable("script_dir") .. "/voicemail_api.lua")

if not argv[1] then
  stream:write("Usage: <id>@<domain>[/profile] [<uuid>]\n")
  return
end
local mailbox = api.mailbox(argv[1])
local folders = mailbox and (argv[2] and {} or api.folders(mailbox))
local ids = folders and api.ids(mailbox, folders, argv[2])
stream:write(ids and api.batch(mailbox, "delete", ids) and "+OK\n" or api.UNKNOWN)
