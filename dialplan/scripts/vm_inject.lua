-- lua vm_inject.lua group=LIST[@DOMAIN]|domain=DOMAIN|USER[@DOMAIN] SOUND_FILE [CALLER_NUMBER] [CALLER_NAME]
-- A group is a distribution list, by its number.
local api = dofile(freeswitch.getGlobalVariable("script_dir") .. "/voicemail_api.lua")
local switch = freeswitch.API()

local box, path = argv[1] or "", argv[2] or ""
local kind, name = box:match("^(%a+)=(.*)$")
local fields = { from_number = argv[3] or "anonymous", from_name = argv[4] or "anonymous", id = switch:execute("create_uuid", "") }
local own = freeswitch.getGlobalVariable("vm_domain") or ""
if kind == "domain" then
  fields.domain = own ~= "" and own or name
else
  name = name or box
  if not name:find("@", 1, true) then name = name .. "@" .. switch:execute("global_getvar", "domain") end
  fields[kind == "group" and "list" or "to"] = api.mailbox(name)
end
local there = path ~= "" and io.open(path, "rb")
local status, sent = 0, {}
if there then
  there:close()
  status, sent = api.ask("POST", "/broadcasts" .. api.query(fields), api.file(path))
end
local usage = "[group=<group>[@domain]|domain=<domain>|<box>[@<domain>]] <sound_file> [<cid_num>] [<cid_name>]"
stream:write(status == 200 and sent.sent > 0 and "+OK\n" or "Error: " .. usage .. "\n")
