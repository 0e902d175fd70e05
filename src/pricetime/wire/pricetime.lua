-- pricetime for Wireshark and tshark.
--
--     tshark -X lua_script:pricetime.lua -r capture.pcap -Y pricetime
--
-- Or copy it to the folder "Personal Lua Plugins" (Help, About, Folders). Set the ports under Edit, Preferences,
-- Protocols, or use "Decode As".

local pricetime = Proto("pricetime", "pricetime")

-- The schema of the wire, written by "make wire": the names of numbers, then the fields of each message in their order,
-- each with its type or its number of bytes, and the names of its numbers.
local schema = [[
enum AcknowledgementLevel: 0 VOLATILE, 1 MEMORY, 2 DURABLE, 3 REPLICATED
bits Instruction: 1 POST_ONLY, 2 AT_THE_OPEN, 4 AT_THE_CLOSE, 8 ALL_OR_NONE, 128 EXTENDED
bits LoginFlag: 1 KEEP_ORDERS, 2 RESUME, 4 KEEP_GTC_AND_GTD
enum OrderType: 0 LIMIT, 1 MARKET, 2 MARKET_TO_LIMIT, 3 STOP, 4 STOP_LIMIT
enum Phase: 0 CONTINUOUS, 1 HALTED, 2 CLOSED, 3 PRE_OPEN, 4 OPENING_AUCTION, 5 VOLATILITY_AUCTION, 6 CLOSING_AUCTION
enum Reason: 0 NONE, 1 UNKNOWN_COMMAND, 2 UNKNOWN_INSTRUMENT, 3 INVALID_SIDE, 4 INVALID_TIME_IN_FORCE,
    5 INVALID_SELF_TRADE, 6 INVALID_QUANTITY, 7 INVALID_PRICE, 8 DUPLICATE_ORDER_ID, 9 UNKNOWN_ORDER, 10 WOULD_CROSS,
    11 ORDERS_FULL, 12 LEVELS_FULL, 13 LEVEL_QUANTITY_FULL, 14 INVALID_ORDER_ID, 15 PRICE_OUTSIDE_BAND,
    16 INSTRUMENT_HALTED, 17 THROTTLED, 18 MALFORMED, 19 INVALID_PHASE, 20 OWNER_ORDERS_FULL, 21 QUANTITY_ABOVE_LIMIT,
    22 PRICE_TOO_FAR, 23 INVALID_TRIGGER_PRICE, 24 MASS_CANCEL_UNFINISHED, 25 INVALID_ORDER_TYPE,
    26 INVALID_INSTRUCTION, 27 NOT_SUPPORTED, 28 INVALID_DISPLAY_QUANTITY, 29 INVALID_EXPIRY,
    30 INVALID_MINIMUM_QUANTITY, 31 NOT_IN_PHASE, 32 IOC_REMAINDER, 33 FOK_UNFILLABLE, 34 MARKET_REMAINDER,
    35 SELF_TRADE, 36 KEPT_PLACE, 37 BY_MASS_CANCEL, 38 BY_DISCONNECT, 39 AS_MAKER, 40 BY_OPERATOR, 41 UNFINISHED,
    42 NEVER_RESTS, 43 MORE_FOLLOW, 44 WAITS, 45 AT_MARKET, 46 PRICED, 47 AUCTION_REMAINDER, 48 MINIMUM_UNFILLABLE,
    49 OUTSIDE_RANGE, 50 NO_AUCTION_PRICE, 51 EXPIRY_REACHED, 52 DAY_ENDED, 53 TRADED_MORE, 64 INVALID_PROTECTION,
    65 TRIGGERS_AT_ONCE, 66 NO_REFERENCE_PRICE, 67 MUST_UNCROSS, 68 REFRESHES_FULL, 69 BUSY
enum ReportKind: 1 ACCEPTED, 2 TRADE, 3 CANCELLED, 4 REPLACED, 5 REDUCED, 6 EXPIRED, 7 REJECTED, 8 MASS_CANCELLED,
    9 PHASE_CHANGED, 10 OPEN_ORDER, 11 OPEN_ORDERS_END, 12 TRIGGERED, 13 REFRESHED, 14 INDICATIVE, 15 UNCROSSED,
    16 AUCTION_TRADE, 17 EXPIRY_DONE, 18 PRICE_SET, 19 HIDDEN
enum RetransmitStatus: 0 RANGE_FOLLOWS, 1 RANGE_GONE, 2 RANGE_AHEAD, 3 RANGE_LIMITED
enum SessionReason: 0 NO_REASON, 1 CLIENT_LOGOUT, 2 BAD_VERSION, 3 BAD_CREDENTIALS, 4 SEQUENCE_GONE, 5 LOGIN_TIMEOUT,
    6 UNKNOWN_TYPE, 7 OUT_OF_STATE, 8 HEARTBEAT_TIMEOUT, 9 THROTTLE_EXCEEDED, 10 SLOW_READER, 11 SUPERSEDED,
    12 SHUTDOWN, 13 TOO_MANY_CLIENTS, 14 SEQUENCE_BROKEN, 15 CREDENTIALS_REVOKED, 16 LOGIN_TOO_SOON, 17 BY_OPERATOR,
    18 NOT_LEADER
enum Side: 1 BID, 2 ASK
enum TimeInForce: 0 GTC, 1 DAY, 2 GTD, 3 IOC, 4 FOK, 5 GFA
1 NewOrder: type u8, side u8 Side, time_in_force u8 TimeInForce, flags u8, instrument u32, order_id u64, price i64,
    quantity u64, order_type u8 OrderType, instructions u8 Instruction, zero u16, tag u32
2 CancelOrder: type u8, zero u8, zero2 u16, instrument u32, order_id u64
3 ReplaceOrder: type u8, side u8 Side, time_in_force u8 TimeInForce, flags u8, instrument u32, order_id u64, price i64,
    quantity u64, zero u8, instructions u8 Instruction, zero2 u16, tag u32
4 ReduceOrder: type u8, zero u8, zero2 u16, instrument u32, order_id u64, quantity u64
6 MassCancel: type u8, side u8 Side, zero u16, instrument u32, order_id u64
10 OpenOrders: type u8, flags u8, zero u16, instrument u32, order_id u64, behind u64
11 OrderExtension: type u8, zero u8, zero2 u16, protection u32, trigger_price i64, display_quantity u64, expiry_ns u64,
    minimum_quantity u64
16 ExecutionReport: type u8, kind u8 ReportKind, side u8 Side, reason u8 Reason, instrument u32, seq_num u64,
    order_id u64, maker_id u64, price i64, quantity u64
32 Challenge: type u8, version u8, open u8, zero u8, login_timeout_ms u32, nonce 32
33 Login: type u8, version u8, login_flags u8 LoginFlag, zero u8, owner u32, next_sequence u64, proof 32
34 LoginAccepted: type u8, level u8 AcknowledgementLevel, login_flags u8 LoginFlag, zero u8, owner u32,
    next_sequence u64, oldest_sequence u64, heartbeat_ms u32, timeout_ms u32, orders_per_second u32, term u32
35 LoginRejected: type u8, session_reason u8 SessionReason, zero u16, owner u32, oldest_sequence u64, term u32,
    zero2 u32, leader 64
36 Heartbeat: type u8, zero u8, zero2 u16, zero3 u32, next_sequence u64
37 Logout: type u8, session_reason u8 SessionReason, zero u16, zero2 u32, next_sequence u64
48 FeedHeartbeat: type u8, busy u8, zero u16, checksum u32, seq_num u64, epoch u64, timestamp u64, term u32, zero2 u32,
    zero3 u64
49 RetransmitRequest: type u8, zero u8, zero2 u16, count u32, seq_num u64, epoch u64
50 RetransmitReply: type u8, status u8 RetransmitStatus, zero u16, count u32, seq_num u64, oldest_sequence u64,
    next_sequence u64, epoch u64, checksum u32, term u32
51 SnapshotRequest: type u8, zero u8, zero2 u16, without_orders u32
52 SnapshotHeader: type u8, zero u8, zero2 u16, instruments u32, seq_num u64, orders u64, digest u64, epoch u64,
    checksum u32, term u32
53 SnapshotInstrument: type u8, phase u8 Phase, price_decimals u16, instrument u32, tick_size u64, lot_size u64,
    low_price i64, high_price i64, price_unit u64, symbol 16, auction u8 ReportKind, auction_priced u8,
    surplus_side u8 Side, zero u8, zero2 u32, auction_price i64, auction_quantity u64, surplus u64
54 SnapshotOrder: type u8, side u8 Side, taking u16, instrument u32, order_id u64, price i64, quantity u64, zero u64,
    zero2 u64
]]

-- Fields that the line of a packet shows if they are not 0.
local in_short = { owner = 1, kind = 1, side = 1, quantity = 1, price = 1, order_id = 1, seq_num = 1, next_sequence = 1,
    count = 1, reason = 1, session_reason = 1, trigger_price = 1, display_quantity = 1, expiry_ns = 1, minimum_quantity = 1,
    protection = 1 }

local kinds = { u8 = ProtoField.uint8, u16 = ProtoField.uint16, u32 = ProtoField.uint32, u64 = ProtoField.uint64,
    i64 = ProtoField.int64 }
local sizes = { u8 = 1, u16 = 2, u32 = 4, u64 = 8, i64 = 8 }

local type_names = {}
for number, name in schema:gmatch("\n(%d+) (%w+):") do
    type_names[tonumber(number)] = name
end
local enums = {}     -- by name: the names of its numbers
local messages = {}  -- by type: its size, fields, and fields that must be 0
local fields = { type = ProtoField.uint8("pricetime.type", "type", base.DEC, type_names) }

-- Return the names of an enum. The names of bits are those of all their combinations.
local function read_names(text, are_bits)
    local names = are_bits and { [0] = "none" } or {}
    for digits, name in text:gmatch("(%d+) ([%u_]+)") do
        local bit = tonumber(digits)
        local more = { [bit] = name }
        for bits, others in pairs(are_bits and names or {}) do
            more[bits + bit] = bits == 0 and name or others .. ", " .. name
        end
        for bits, combined in pairs(more) do
            names[bits] = combined
        end
    end
    return names
end

local function read_message(text)
    local message = { size = 0, fields = {}, zeros = {} }
    for name, kind, enum in text:gmatch("([%w_]+) (%w+) ?(%w*)") do
        local size = sizes[kind] or tonumber(kind)
        local field = { name = name, at = message.size, size = size, names = enums[enum], signed = kind == "i64" }
        message.size = message.size + size
        if name:match("^zero%d*$") then
            table.insert(message.zeros, field)
        else
            table.insert(message.fields, field)
            local make = kinds[kind] or name == "symbol" and ProtoField.stringz or ProtoField.bytes
            local filter = "pricetime." .. name
            fields[name] = fields[name] or field.names and make(filter, name, base.DEC, field.names) or make(filter, name)
        end
    end
    return message
end

for kind, name, text in schema:gsub("\n +", " "):gmatch("(%w+) (%w+): ([^\n]*)") do
    if type_names[tonumber(kind)] then
        messages[tonumber(kind)] = read_message(text)
    else
        enums[name] = read_names(text, kind == "bits")
    end
end

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
        local range = buffer(field.at, field.size)
        subtree:add_le(fields[field.name], range)
        if in_short[field.name] then
            local value = shown(range, field)
            if value ~= "0" and value ~= "NONE" then
                line = line .. " " .. (field.names and value or field.name .. "=" .. value)
            end
        end
    end
    for _, zero in ipairs(message.zeros) do
        if buffer(zero.at, zero.size):bytes():tohex():find("[^0]") then
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
