-- lua vm_boxcount.lua [profile/]USER@DOMAIN[|new|saved|new-urgent|saved-urgent|all]
local api = dofile(freeswitch.getGlobalVariable("script_dir") .. "/voicemail_api.lua")

local mailbox, how = api.mailbox(argv[1] or "")
local folders, _, shown = {}, 404, nil
if mailbox then folders, _, shown = api.folders(mailbox) end
local new, saved, urgent = 0, 0, 0
if folders and shown then
  new, saved, urgent = shown.folders.new or 0, shown.folders.old or 0, shown.urgent
end

local function saved_urgent()
  return saved > 0 and #(api.messages(mailbox, "old", "true") or {}) or 0
end

local counted = {
  saved = function() return saved end,
  ["new-urgent"] = function() return urgent end,
  ["saved-urgent"] = saved_urgent,
  ["new-saved"] = saved_urgent, -- what mod_voicemail calls it, whatever it says
  all = function() return string.format("%d:%d:%d:%d", new, saved, urgent, saved_urgent()) end,
}
stream:write(tostring((counted[how] or function() return new end)()))
