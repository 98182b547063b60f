-- lua vm_prefs.lua [profile/]USER@DOMAIN[|greeting_path|name_path|password|all]
-- A path is the API's, where the sound is. The PIN is told to nobody.
local api = dofile(freeswitch.getGlobalVariable("script_dir") .. "/voicemail_api.lua")

if not argv[1] then
  stream:write("0")
  return
end
local mailbox, how = api.mailbox(argv[1])
if not mailbox then
  stream:write("-ERR No domain specified\n")
  return
end

local function sound(name)
  return "/api/v1" .. api.path(mailbox) .. "/greetings/" .. name .. "/sound"
end

local function greeting_path()
  local _, heard = api.ask("GET", api.path(mailbox) .. "/greeting-preview")
  return heard.greeting and sound(heard.greeting) or ""
end

local function name_path()
  local _, recorded = api.ask("GET", api.path(mailbox) .. "/greetings")
  for _, one in ipairs(recorded.greetings or {}) do
    if one.greeting == "name" then return sound("name") end
  end
  return ""
end

local told = {
  [""] = greeting_path,
  greeting_path = greeting_path,
  name_path = name_path,
  password = function() return "" end,
}
stream:write((told[how:lower()] or function() return greeting_path() .. ":" .. name_path() .. ":" end)())
