-- lua vm_list.lua USER@DOMAIN[/profile] [xml|text] [UUID]
local api = dofile(freeswitch.getGlobalVariable("script_dir") .. "/voicemail_api.lua")

if not argv[1] then
  stream:write("Usage: <id>@<domain>[/profile] [xml]\n")
  return
end
local xml = (argv[2] or ""):lower() == "xml"
local mailbox = api.mailbox(argv[1])
local folders, status = {}, 404
if mailbox then folders, status = api.folders(mailbox) end
if not folders and status ~= 404 or not mailbox then
  stream:write(api.UNKNOWN)
  return
end

local FIELDS =
  { "created_epoch", "read_epoch", "username", "domain", "folder", "path", "uuid", "cid-name", "cid-number", "message-len" }
local MARKUP = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local number, domain = mailbox:match("^(.*)@(.*)$")

local function row(message)
  local received = string.format("%d", api.epoch(message.received))
  return {
    received, message.heard and received or "0", number, domain,
    (message.folder == "new" or message.folder == "old") and "inbox" or message.folder,
    "/api/v1" .. api.path(mailbox) .. "/messages/" .. message.id .. "/sound", message.id,
    message.caller_name, message.caller_number, string.format("%d", math.floor(message.duration_ms / 1000)),
  }
end

local rows = {}
for _, folder in ipairs(folders or {}) do
  for _, message in ipairs(api.messages(mailbox, folder) or {}) do
    if not argv[3] or argv[3] == message.id then rows[#rows + 1] = row(message) end
  end
end
table.sort(rows, function(one, other) return one[7] < other[7] end)
if xml then stream:write("<voicemail>\n") end
for _, fields in ipairs(rows) do
  if xml then
    stream:write(" <message>\n")
    for place, name in ipairs(FIELDS) do
      stream:write("  <" .. name .. ">" .. fields[place]:gsub("[&<>]", MARKUP) .. "</" .. name .. ">\n")
    end
    stream:write(" </message>\n")
  else
    stream:write(table.concat(fields, ":") .. "\n")
  end
end
if xml then stream:write("</voicemail>\n") end
