-- pricetime for Wireshark and tshark. Written by "make wire" from the schema of the wire.
--
--     tshark -X lua_script:pricetime.lua -r capture.pcap -Y pricetime
--
-- Or copy it to the folder "Personal Lua Plugins" (Help, About, Folders). Set the ports under Edit, Preferences,
-- Protocols, or use "Decode As".

local pricetime = Proto("pricetime", "pricetime")

-- {value_strings}

-- {fields}

-- {messages}

pricetime.fields = {}
for _, field in pairs(fields) do
    table.insert(pricetime.fields, field)
end

local unknown_type = ProtoExpert.new("pricetime.unknown_type", "unknown message type", expert.group.MALFORMED,
    expert.severity.ERROR)
local not_zero = ProtoExpert.new("pricetime.not_zero", "a field that must be 0 is not 0", expert.group.PROTOCOL,
    expert.severity.WARN)
local cut_short = ProtoExpert.new("pricetime.cut_short", "the message is incomplete", expert.group.MALFORMED,
    expert.severity.ERROR)
pricetime.experts = { unknown_type, not_zero, cut_short }

-- Return a number as text, because a Lua number cannot hold 64 bits.
local function shown(range, field)
    if field.names then
        return field.names[range:le_uint()] or tostring(range:le_uint())
    elseif range:len() == 8 then
        return tostring(field.signed and range:le_int64() or range:le_uint64())
    end
    return tostring(range:le_uint())
end

-- Add a message to the tree. Return its line for the list of packets.
local function add_message(buffer, tree)
    local kind = buffer(0, 1):uint()
    local message = messages[kind]
    if not message then
        tree:add(pricetime, buffer()):add_le(fields["type"], buffer(0, 1)):add_proto_expert_info(unknown_type)
        return "type " .. kind
    end
    if buffer:len() < message.size then
        tree:add(pricetime, buffer()):add_proto_expert_info(cut_short)
        return type_names[kind] .. " (incomplete)"
    end
    local subtree = tree:add(pricetime, buffer(0, message.size))
    local line = type_names[kind]
    for _, field in ipairs(message.fields) do
        local range = buffer(field[2], field[3])
        subtree:add_le(fields[field[1]], range)
        if field.short then
            local value = shown(range, field)
            if value ~= "0" and value ~= "NONE" then
                line = line .. " " .. (field.names and value or field.short .. "=" .. value)
            end
        end
    end
    for _, zero in ipairs(message.zeros) do
        if buffer(zero[1], zero[2]):bytes():tohex():find("[^0]") then
            subtree:add_proto_expert_info(not_zero)
            break
        end
    end
    subtree:append_text(", " .. line)
    return line
end

local function size_of(buffer, _, offset)
    local message = messages[buffer(offset, 1):uint()]
    return message and message.size or buffer:reported_length_remaining(offset)
end

-- Append the line of a message to the Info column.
local function tell(pinfo, line)
    pinfo.cols.protocol = "pricetime"
    pinfo.cols.info:append((tostring(pinfo.cols.info) == "" and "" or "; ") .. line)
end

local function dissect_one(buffer, pinfo, tree)
    tell(pinfo, add_message(buffer(), tree))
    return buffer:len()
end

local function dissect_datagram(buffer, pinfo, tree)
    local at = 0
    while at < buffer:len() do
        local message = messages[buffer(at, 1):uint()]
        local size = message and math.min(message.size, buffer:len() - at) or buffer:len() - at
        tell(pinfo, add_message(buffer(at, size), tree))
        at = at + size
    end
    return buffer:len()
end

function pricetime.dissector(buffer, pinfo, tree)
    if buffer:len() == 0 then
        return 0
    end
    pinfo.cols.info:set("")
    if pinfo.port_type == 2 then
        dissect_tcp_pdus(buffer, tree, 1, size_of, dissect_one)
        return buffer:len()
    end
    return dissect_datagram(buffer, pinfo, tree)
end

pricetime.prefs.tcp_ports = Pref.range("TCP ports", "7001-7002", "orders, and recovery", 65535)
pricetime.prefs.udp_ports = Pref.range("UDP ports", "7003", "the feed", 65535)

local in_use = {}
local function listen()
    for name, table_name in pairs({ tcp_ports = "tcp.port", udp_ports = "udp.port" }) do
        local ports = DissectorTable.get(table_name)
        if in_use[name] then
            ports:remove(in_use[name], pricetime)
        end
        in_use[name] = pricetime.prefs[name]
        if in_use[name] ~= "" then
            ports:add(in_use[name], pricetime)
        end
        ports:add_for_decode_as(pricetime)
    end
end

pricetime.prefs_changed = listen
listen()
