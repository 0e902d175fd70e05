-- pricetime for Wireshark and tshark. Written by "make wire" from the schema of the wire.
--
--     tshark -X lua_script:pricetime.lua -r capture.pcap -Y pricetime
--
-- Or copy it to the folder "Personal Lua Plugins" (Help, About, Folders). Set the ports under Edit, Preferences,
-- Protocols, or use "Decode As".

local pricetime = Proto("pricetime", "pricetime")

local acknowledgement_level_names = {
    [0] = "VOLATILE",
    [1] = "MEMORY",
    [2] = "DURABLE",
}

local instruction_names = {
    [0] = "none",
    [1] = "POST_ONLY",
    [2] = "AT_THE_OPEN",
    [3] = "POST_ONLY, AT_THE_OPEN",
    [4] = "AT_THE_CLOSE",
    [5] = "POST_ONLY, AT_THE_CLOSE",
    [6] = "AT_THE_OPEN, AT_THE_CLOSE",
    [7] = "POST_ONLY, AT_THE_OPEN, AT_THE_CLOSE",
    [128] = "EXTENDED",
    [129] = "POST_ONLY, EXTENDED",
    [130] = "AT_THE_OPEN, EXTENDED",
    [131] = "POST_ONLY, AT_THE_OPEN, EXTENDED",
    [132] = "AT_THE_CLOSE, EXTENDED",
    [133] = "POST_ONLY, AT_THE_CLOSE, EXTENDED",
    [134] = "AT_THE_OPEN, AT_THE_CLOSE, EXTENDED",
    [135] = "POST_ONLY, AT_THE_OPEN, AT_THE_CLOSE, EXTENDED",
}

local login_flag_names = {
    [0] = "none",
    [1] = "KEEP_ORDERS",
    [2] = "RESUME",
    [3] = "KEEP_ORDERS, RESUME",
}

local order_type_names = {
    [0] = "LIMIT",
    [1] = "MARKET",
    [2] = "MARKET_TO_LIMIT",
    [3] = "STOP",
    [4] = "STOP_LIMIT",
}

local phase_names = {
    [0] = "CONTINUOUS",
    [1] = "HALTED",
}

local reason_names = {
    [0] = "NONE",
    [1] = "UNKNOWN_COMMAND",
    [2] = "UNKNOWN_INSTRUMENT",
    [3] = "INVALID_SIDE",
    [4] = "INVALID_TIME_IN_FORCE",
    [5] = "INVALID_SELF_TRADE",
    [6] = "INVALID_QUANTITY",
    [7] = "INVALID_PRICE",
    [8] = "DUPLICATE_ORDER_ID",
    [9] = "UNKNOWN_ORDER",
    [10] = "WOULD_CROSS",
    [11] = "ORDERS_FULL",
    [12] = "LEVELS_FULL",
    [13] = "LEVEL_QUANTITY_FULL",
    [14] = "INVALID_ORDER_ID",
    [15] = "PRICE_OUTSIDE_BAND",
    [16] = "INSTRUMENT_HALTED",
    [17] = "THROTTLED",
    [18] = "MALFORMED",
    [19] = "INVALID_PHASE",
    [20] = "OWNER_ORDERS_FULL",
    [21] = "QUANTITY_ABOVE_LIMIT",
    [22] = "PRICE_TOO_FAR",
    [24] = "MASS_CANCEL_UNFINISHED",
    [25] = "INVALID_ORDER_TYPE",
    [26] = "INVALID_INSTRUCTION",
    [27] = "NOT_SUPPORTED",
    [32] = "IOC_REMAINDER",
    [33] = "FOK_UNFILLABLE",
    [34] = "MARKET_REMAINDER",
    [35] = "SELF_TRADE",
    [36] = "KEPT_PLACE",
    [37] = "BY_MASS_CANCEL",
    [38] = "BY_DISCONNECT",
    [39] = "AS_MAKER",
    [40] = "BY_OPERATOR",
    [41] = "UNFINISHED",
    [42] = "NEVER_RESTS",
    [43] = "MORE_FOLLOW",
}

local report_kind_names = {
    [1] = "ACCEPTED",
    [2] = "TRADE",
    [3] = "CANCELLED",
    [4] = "REPLACED",
    [5] = "REDUCED",
    [6] = "EXPIRED",
    [7] = "REJECTED",
    [8] = "MASS_CANCELLED",
    [9] = "PHASE_CHANGED",
    [10] = "OPEN_ORDER",
    [11] = "OPEN_ORDERS_END",
}

local retransmit_status_names = {
    [0] = "RANGE_FOLLOWS",
    [1] = "RANGE_GONE",
    [2] = "RANGE_AHEAD",
    [3] = "RANGE_LIMITED",
}

local session_reason_names = {
    [0] = "NO_REASON",
    [1] = "CLIENT_LOGOUT",
    [2] = "BAD_VERSION",
    [3] = "BAD_CREDENTIALS",
    [4] = "SEQUENCE_GONE",
    [5] = "LOGIN_TIMEOUT",
    [6] = "UNKNOWN_TYPE",
    [7] = "OUT_OF_STATE",
    [8] = "HEARTBEAT_TIMEOUT",
    [9] = "THROTTLE_EXCEEDED",
    [10] = "SLOW_READER",
    [11] = "SUPERSEDED",
    [12] = "SHUTDOWN",
    [13] = "TOO_MANY_CLIENTS",
    [14] = "SEQUENCE_BROKEN",
    [15] = "CREDENTIALS_REVOKED",
    [16] = "LOGIN_TOO_SOON",
    [17] = "BY_OPERATOR",
}

local side_names = {
    [1] = "BID",
    [2] = "ASK",
}

local time_in_force_names = {
    [0] = "GTC",
    [1] = "DAY",
    [2] = "GTD",
    [3] = "IOC",
    [4] = "FOK",
}

local type_names = {
    [1] = "NewOrder",
    [2] = "CancelOrder",
    [3] = "ReplaceOrder",
    [4] = "ReduceOrder",
    [6] = "MassCancel",
    [10] = "OpenOrders",
    [11] = "OrderExtension",
    [16] = "ExecutionReport",
    [32] = "Challenge",
    [33] = "Login",
    [34] = "LoginAccepted",
    [35] = "LoginRejected",
    [36] = "Heartbeat",
    [37] = "Logout",
    [48] = "FeedHeartbeat",
    [49] = "RetransmitRequest",
    [50] = "RetransmitReply",
    [51] = "SnapshotRequest",
    [52] = "SnapshotHeader",
    [53] = "SnapshotInstrument",
    [54] = "SnapshotOrder",
}

local fields = {
    ["type"] = ProtoField.uint8("pricetime.type", "type", base.DEC, type_names),
    ["side"] = ProtoField.uint8("pricetime.side", "side", base.DEC, side_names),
    ["time_in_force"] = ProtoField.uint8("pricetime.time_in_force", "time_in_force", base.DEC, time_in_force_names),
    ["flags"] = ProtoField.uint8("pricetime.flags", "flags"),
    ["instrument"] = ProtoField.uint32("pricetime.instrument", "instrument"),
    ["order_id"] = ProtoField.uint64("pricetime.order_id", "order_id"),
    ["price"] = ProtoField.int64("pricetime.price", "price"),
    ["quantity"] = ProtoField.uint64("pricetime.quantity", "quantity"),
    ["order_type"] = ProtoField.uint8("pricetime.order_type", "order_type", base.DEC, order_type_names),
    ["instructions"] = ProtoField.uint8("pricetime.instructions", "instructions", base.DEC, instruction_names),
    ["tag"] = ProtoField.uint32("pricetime.tag", "tag"),
    ["owner"] = ProtoField.uint32("pricetime.owner", "owner"),
    ["behind"] = ProtoField.uint64("pricetime.behind", "behind"),
    ["trigger_price"] = ProtoField.int64("pricetime.trigger_price", "trigger_price"),
    ["display_quantity"] = ProtoField.uint64("pricetime.display_quantity", "display_quantity"),
    ["expiry_ns"] = ProtoField.uint64("pricetime.expiry_ns", "expiry_ns"),
    ["minimum_quantity"] = ProtoField.uint64("pricetime.minimum_quantity", "minimum_quantity"),
    ["kind"] = ProtoField.uint8("pricetime.kind", "kind", base.DEC, report_kind_names),
    ["reason"] = ProtoField.uint8("pricetime.reason", "reason", base.DEC, reason_names),
    ["seq_num"] = ProtoField.uint64("pricetime.seq_num", "seq_num"),
    ["maker_id"] = ProtoField.uint64("pricetime.maker_id", "maker_id"),
    ["version"] = ProtoField.uint8("pricetime.version", "version"),
    ["open"] = ProtoField.uint8("pricetime.open", "open"),
    ["login_timeout_ms"] = ProtoField.uint32("pricetime.login_timeout_ms", "login_timeout_ms"),
    ["nonce"] = ProtoField.bytes("pricetime.nonce", "nonce"),
    ["login_flags"] = ProtoField.uint8("pricetime.login_flags", "login_flags", base.DEC, login_flag_names),
    ["next_sequence"] = ProtoField.uint64("pricetime.next_sequence", "next_sequence"),
    ["proof"] = ProtoField.bytes("pricetime.proof", "proof"),
    ["level"] = ProtoField.uint8("pricetime.level", "level", base.DEC, acknowledgement_level_names),
    ["oldest_sequence"] = ProtoField.uint64("pricetime.oldest_sequence", "oldest_sequence"),
    ["heartbeat_ms"] = ProtoField.uint32("pricetime.heartbeat_ms", "heartbeat_ms"),
    ["timeout_ms"] = ProtoField.uint32("pricetime.timeout_ms", "timeout_ms"),
    ["orders_per_second"] = ProtoField.uint32("pricetime.orders_per_second", "orders_per_second"),
    ["term"] = ProtoField.uint32("pricetime.term", "term"),
    ["session_reason"] = ProtoField.uint8("pricetime.session_reason", "session_reason", base.DEC, session_reason_names),
    ["checksum"] = ProtoField.uint32("pricetime.checksum", "checksum"),
    ["epoch"] = ProtoField.uint64("pricetime.epoch", "epoch"),
    ["timestamp"] = ProtoField.uint64("pricetime.timestamp", "timestamp"),
    ["count"] = ProtoField.uint32("pricetime.count", "count"),
    ["status"] = ProtoField.uint8("pricetime.status", "status", base.DEC, retransmit_status_names),
    ["without_orders"] = ProtoField.uint32("pricetime.without_orders", "without_orders"),
    ["instruments"] = ProtoField.uint32("pricetime.instruments", "instruments"),
    ["orders"] = ProtoField.uint64("pricetime.orders", "orders"),
    ["digest"] = ProtoField.uint64("pricetime.digest", "digest"),
    ["phase"] = ProtoField.uint8("pricetime.phase", "phase", base.DEC, phase_names),
    ["price_decimals"] = ProtoField.uint16("pricetime.price_decimals", "price_decimals"),
    ["tick_size"] = ProtoField.uint64("pricetime.tick_size", "tick_size"),
    ["lot_size"] = ProtoField.uint64("pricetime.lot_size", "lot_size"),
    ["low_price"] = ProtoField.int64("pricetime.low_price", "low_price"),
    ["high_price"] = ProtoField.int64("pricetime.high_price", "high_price"),
    ["price_unit"] = ProtoField.uint64("pricetime.price_unit", "price_unit"),
    ["symbol"] = ProtoField.stringz("pricetime.symbol", "symbol"),
    ["taking"] = ProtoField.uint16("pricetime.taking", "taking"),
}

local messages = {
    [1] = { size = 40,
        fields = {
            { "type", 0, 1 },
            { "side", 1, 1, short = "side", names = side_names },
            { "time_in_force", 2, 1, names = time_in_force_names },
            { "flags", 3, 1 },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
            { "price", 16, 8, short = "price", signed = true },
            { "quantity", 24, 8, short = "quantity" },
            { "order_type", 32, 1, names = order_type_names },
            { "instructions", 33, 1, names = instruction_names },
            { "tag", 36, 4 },
        },
        zeros = { { 34, 2 } } },
    [2] = { size = 16,
        fields = {
            { "type", 0, 1 },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
        },
        zeros = { { 1, 1 }, { 2, 2 } } },
    [3] = { size = 40,
        fields = {
            { "type", 0, 1 },
            { "side", 1, 1, short = "side", names = side_names },
            { "time_in_force", 2, 1, names = time_in_force_names },
            { "flags", 3, 1 },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
            { "price", 16, 8, short = "price", signed = true },
            { "quantity", 24, 8, short = "quantity" },
            { "owner", 32, 4, short = "owner" },
            { "tag", 36, 4 },
        },
        zeros = {} },
    [4] = { size = 24,
        fields = {
            { "type", 0, 1 },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
            { "quantity", 16, 8, short = "quantity" },
        },
        zeros = { { 1, 1 }, { 2, 2 } } },
    [6] = { size = 16,
        fields = {
            { "type", 0, 1 },
            { "side", 1, 1, short = "side", names = side_names },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
        },
        zeros = { { 2, 2 } } },
    [10] = { size = 24,
        fields = {
            { "type", 0, 1 },
            { "flags", 1, 1 },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
            { "behind", 16, 8 },
        },
        zeros = { { 2, 2 } } },
    [11] = { size = 40,
        fields = {
            { "type", 0, 1 },
            { "trigger_price", 8, 8, signed = true },
            { "display_quantity", 16, 8 },
            { "expiry_ns", 24, 8 },
            { "minimum_quantity", 32, 8 },
        },
        zeros = { { 1, 1 }, { 2, 2 }, { 4, 4 } } },
    [16] = { size = 48,
        fields = {
            { "type", 0, 1 },
            { "kind", 1, 1, short = "kind", names = report_kind_names },
            { "side", 2, 1, short = "side", names = side_names },
            { "reason", 3, 1, short = "reason", names = reason_names },
            { "instrument", 4, 4 },
            { "seq_num", 8, 8, short = "seq_num" },
            { "order_id", 16, 8, short = "order_id" },
            { "maker_id", 24, 8 },
            { "price", 32, 8, short = "price", signed = true },
            { "quantity", 40, 8, short = "quantity" },
        },
        zeros = {} },
    [32] = { size = 40,
        fields = {
            { "type", 0, 1 },
            { "version", 1, 1 },
            { "open", 2, 1 },
            { "login_timeout_ms", 4, 4 },
            { "nonce", 8, 32 },
        },
        zeros = { { 3, 1 } } },
    [33] = { size = 48,
        fields = {
            { "type", 0, 1 },
            { "version", 1, 1 },
            { "login_flags", 2, 1, names = login_flag_names },
            { "owner", 4, 4, short = "owner" },
            { "next_sequence", 8, 8, short = "next_sequence" },
            { "proof", 16, 32 },
        },
        zeros = { { 3, 1 } } },
    [34] = { size = 40,
        fields = {
            { "type", 0, 1 },
            { "level", 1, 1, names = acknowledgement_level_names },
            { "login_flags", 2, 1, names = login_flag_names },
            { "owner", 4, 4, short = "owner" },
            { "next_sequence", 8, 8, short = "next_sequence" },
            { "oldest_sequence", 16, 8 },
            { "heartbeat_ms", 24, 4 },
            { "timeout_ms", 28, 4 },
            { "orders_per_second", 32, 4 },
            { "term", 36, 4 },
        },
        zeros = { { 3, 1 } } },
    [35] = { size = 16,
        fields = {
            { "type", 0, 1 },
            { "session_reason", 1, 1, short = "reason", names = session_reason_names },
            { "owner", 4, 4, short = "owner" },
            { "oldest_sequence", 8, 8 },
        },
        zeros = { { 2, 2 } } },
    [36] = { size = 16,
        fields = {
            { "type", 0, 1 },
            { "next_sequence", 8, 8, short = "next_sequence" },
        },
        zeros = { { 1, 1 }, { 2, 2 }, { 4, 4 } } },
    [37] = { size = 16,
        fields = {
            { "type", 0, 1 },
            { "session_reason", 1, 1, short = "reason", names = session_reason_names },
            { "next_sequence", 8, 8, short = "next_sequence" },
        },
        zeros = { { 2, 2 }, { 4, 4 } } },
    [48] = { size = 48,
        fields = {
            { "type", 0, 1 },
            { "checksum", 4, 4 },
            { "seq_num", 8, 8, short = "seq_num" },
            { "epoch", 16, 8 },
            { "timestamp", 24, 8 },
            { "term", 32, 4 },
        },
        zeros = { { 1, 1 }, { 2, 2 }, { 36, 4 }, { 40, 8 } } },
    [49] = { size = 24,
        fields = {
            { "type", 0, 1 },
            { "count", 4, 4, short = "count" },
            { "seq_num", 8, 8, short = "seq_num" },
            { "epoch", 16, 8 },
        },
        zeros = { { 1, 1 }, { 2, 2 } } },
    [50] = { size = 48,
        fields = {
            { "type", 0, 1 },
            { "status", 1, 1, names = retransmit_status_names },
            { "count", 4, 4, short = "count" },
            { "seq_num", 8, 8, short = "seq_num" },
            { "oldest_sequence", 16, 8 },
            { "next_sequence", 24, 8, short = "next_sequence" },
            { "epoch", 32, 8 },
            { "checksum", 40, 4 },
        },
        zeros = { { 2, 2 }, { 44, 4 } } },
    [51] = { size = 8,
        fields = {
            { "type", 0, 1 },
            { "without_orders", 4, 4 },
        },
        zeros = { { 1, 1 }, { 2, 2 } } },
    [52] = { size = 48,
        fields = {
            { "type", 0, 1 },
            { "instruments", 4, 4 },
            { "seq_num", 8, 8, short = "seq_num" },
            { "orders", 16, 8 },
            { "digest", 24, 8 },
            { "epoch", 32, 8 },
            { "checksum", 40, 4 },
        },
        zeros = { { 1, 1 }, { 2, 2 }, { 44, 4 } } },
    [53] = { size = 64,
        fields = {
            { "type", 0, 1 },
            { "phase", 1, 1, names = phase_names },
            { "price_decimals", 2, 2 },
            { "instrument", 4, 4 },
            { "tick_size", 8, 8 },
            { "lot_size", 16, 8 },
            { "low_price", 24, 8, signed = true },
            { "high_price", 32, 8, signed = true },
            { "price_unit", 40, 8 },
            { "symbol", 48, 16 },
        },
        zeros = {} },
    [54] = { size = 48,
        fields = {
            { "type", 0, 1 },
            { "side", 1, 1, short = "side", names = side_names },
            { "taking", 2, 2 },
            { "instrument", 4, 4 },
            { "order_id", 8, 8, short = "order_id" },
            { "price", 16, 8, short = "price", signed = true },
            { "quantity", 24, 8, short = "quantity" },
        },
        zeros = { { 32, 8 }, { 40, 8 } } },
}

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
