-- What the scripts vm_boxcount, vm_list, vm_read, vm_delete, vm_inject and vm_prefs have in common: they ask the voicemail's
-- API, and answer as mod_voicemail's commands of those names do (docs/migration-mod-voicemail.md lists where not).
--
-- curl(1) does the asking: it sends sounds from files, which mod_curl does not. The token stands in a file of its own, as
-- the line "Authorization: Bearer TOKEN", and so in no list of processes.
local api = {}

local BASE = freeswitch.getGlobalVariable("vm_api") or ""
local TOKEN_FILE = freeswitch.getGlobalVariable("vm_api_token_file") or ""
local DOMAIN = freeswitch.getGlobalVariable("vm_domain") or ""
local SECONDS = 10

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function escaped(text)
  return (text:gsub("[^%w%-._~@]", function(byte) return string.format("%%%02X", byte:byte()) end))
end

--- A query string of what is given; what is "" or nil is left out.
function api.query(fields)
  local parts = {}
  for name, value in pairs(fields) do
    if value ~= "" then parts[#parts + 1] = name .. "=" .. escaped(value) end
  end
  table.sort(parts)
  return #parts > 0 and "?" .. table.concat(parts, "&") or ""
end

--- Ask, and return the HTTP status (0: nobody answered) and what was answered, a table.
-- @param method, path: of the API, without its address. body: words for curl that give one, or nil.
function api.ask(method, path, body)
  if BASE == "" or TOKEN_FILE == "" then
    freeswitch.consoleLog("err", "voicemail: set vm_api and vm_api_token_file (40_voicemail_settings.xml)\n")
    return 0, {}
  end
  local pipe = assert(io.popen(table.concat({
    "curl", "-s", "--max-time", SECONDS, "-X", method, "-w", quoted("\n%{http_code}"),
    "-H", quoted("@" .. TOKEN_FILE), body or "", quoted(BASE .. path),
  }, " ")))
  local answer = pipe:read("*a")
  pipe:close()
  local text, status = answer:match("^(.*)\n(%d+)$")
  status = tonumber(status) or 0
  if status == 0 or status >= 400 and status ~= 404 then
    freeswitch.consoleLog("err", "voicemail: " .. method .. " " .. BASE .. path .. ": " .. status .. " " .. (text or "") .. "\n")
  end
  return status, text and text ~= "" and freeswitch.JSON():decode(text) or {}
end

--- A body of JSON that names nothing but words of our own and ids.
function api.json(text)
  return "-H 'Content-Type: application/json' -d " .. quoted(text)
end

--- A body that is a file.
function api.file(path)
  return "--data-binary " .. quoted("@" .. path)
end

--- The mailbox as the API names it, and what followed its domain: "default/1001@a.example|all" is "1001@a.example", "all".
-- A profile before or after it is passed over. Nil without a domain, unless `vm_domain` says which is meant.
function api.mailbox(word)
  local name, how = word:match("^([^|]*)|?(.*)$")
  local number, domain = name:gsub("^[^@/]*/", ""):gsub("^[sS][iI][pP]:", ""):match("^([^@]*)@?([^/]*)")
  if DOMAIN ~= "" then domain = DOMAIN end
  if number == "" or domain == "" then return nil, how end
  return number .. "@" .. domain, how
end

--- The path of a mailbox.
function api.path(mailbox)
  return "/mailboxes/" .. escaped(mailbox)
end

--- All messages of a folder, the first received first; nil if they can't be had.
function api.messages(mailbox, folder, filter)
  local found, cursor = {}, ""
  repeat
    local fields = { folder = folder, order = "oldest", limit = "100", cursor = cursor, urgent = filter or "" }
    local status, page = api.ask("GET", api.path(mailbox) .. "/messages" .. api.query(fields))
    if status ~= 200 then return nil end
    for _, message in ipairs(page.messages) do found[#found + 1] = message end
    cursor = page.next or ""
  until cursor == ""
  return found
end

--- Ids of the messages in some folders, or the one that is named; nil if they can't be had.
function api.ids(mailbox, folders, named)
  if named then return { named } end
  local ids = {}
  for _, folder in ipairs(folders) do
    local messages = api.messages(mailbox, folder)
    if not messages then return nil end
    for _, message in ipairs(messages) do ids[#ids + 1] = message.id end
  end
  return ids
end

--- The folders with messages in them, without the trash, as the guide numbers them; nil if there is no such mailbox.
function api.folders(mailbox)
  local status, shown = api.ask("GET", api.path(mailbox))
  if status ~= 200 then return nil, status end
  local folders = {}
  for _, name in ipairs({ "new", "old", "work", "family", "friends", "cust1", "cust2", "cust3", "cust4", "cust5" }) do
    if (shown.folders[name] or 0) > 0 then folders[#folders + 1] = name end
  end
  return folders, status, shown
end

--- Do one thing with many messages; says whether all of it was done.
function api.batch(mailbox, action, ids)
  for first = 1, #ids, 200 do
    local names = {}
    for place = first, math.min(first + 199, #ids) do
      if not ids[place]:match("^[%w.-]+$") then return false end
      names[#names + 1] = '"' .. ids[place] .. '"'
    end
    local body = '{"action": "' .. action .. '", "ids": [' .. table.concat(names, ",") .. "]}"
    local status, answer = api.ask("POST", api.path(mailbox) .. "/messages/batch", api.json(body))
    if status ~= 200 then return false end
    for _, one in ipairs(answer.results) do
      if one.result ~= "done" and one.result ~= "already" then return false end
    end
  end
  return true
end

--- Seconds since 1970 of a time as the API writes it (2026-11-28T18:30:00-05:00).
function api.epoch(text)
  local year, month, day, hour, minute, second, sign, hours, minutes =
    text:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)[.%d]*([+-])(%d+):(%d+)$")
  -- Days since 1970, years beginning in March (H. Hinnant, "days_from_civil").
  if tonumber(month) <= 2 then year = year - 1 end
  local day_of_year = math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  local days = year * 365 + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400) + day_of_year - 719468
  local ahead = (hours * 60 + minutes) * (sign == "-" and -1 or 1)
  return ((days * 24 + hour) * 60 + minute - ahead) * 60 + second
end

api.UNKNOWN = "-ERR can't find user or profile.\n"

return api
