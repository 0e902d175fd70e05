# The schema of the wire: all messages that cross a socket, with sizes, units and invariants.
#
# The compiler reads this file. So does sheet.py, which makes the messages and the NumPy dtypes from it; "make wire" writes the
# reference page, the test vectors, the Wireshark dissector and messages.pyi. Numbers are little-endian, without padding.
# The first byte is the type, which determines the size. The type of a message is the constant with its name; those of
# orders and reports (1 to 31) are in core/layout.pxd. A field named zero is 0; a receiver may reject any other value. If
# the numbers of a field have names, its comment begins with their enum.

from pricetime.core.layout cimport i64, u8, u16, u32, u64

cdef enum:
    # MessageType: 32 to 47 the session, 48 to 63 the market data
    CHALLENGE = 32
    LOGIN = 33
    LOGIN_ACCEPTED = 34
    LOGIN_REJECTED = 35
    HEARTBEAT = 36
    LOGOUT = 37
    FEED_HEARTBEAT = 48
    RETRANSMIT_REQUEST = 49
    RETRANSMIT_REPLY = 50
    SNAPSHOT_REQUEST = 51
    SNAPSHOT_HEADER = 52
    SNAPSHOT_INSTRUMENT = 53
    SNAPSHOT_ORDER = 54
    # SessionReason: why a login was rejected or a session ended
    NO_REASON = 0
    CLIENT_LOGOUT = 1          # the client logged out
    BAD_VERSION = 2            # the other end uses a different version of this protocol
    BAD_CREDENTIALS = 3        # unknown owner or wrong proof: the exchange does not say which
    SEQUENCE_GONE = 4          # the requested reports are no longer kept, or were never sent
    LOGIN_TIMEOUT = 5          # no login within the time allowed
    UNKNOWN_TYPE = 6           # a first byte of unknown type: the start of the next message is unknown
    OUT_OF_STATE = 7           # a message that is not allowed in this state
    HEARTBEAT_TIMEOUT = 8      # the other end was silent for too long
    THROTTLE_EXCEEDED = 9      # the throttle rejected too many orders
    SLOW_READER = 10           # the client did not read its reports, and the outbound buffer is full
    SUPERSEDED = 11            # the same owner logged in again
    SHUTDOWN = 12              # the exchange shuts down
    TOO_MANY_CLIENTS = 13      # the exchange has no room for this connection
    SEQUENCE_BROKEN = 14       # a report is missing or came twice
    CREDENTIALS_REVOKED = 15   # the owner's secret was removed or changed
    LOGIN_TOO_SOON = 16        # the owner exceeded the throttle before: try again later
    BY_OPERATOR = 17           # the operator ended the session or blocks the owner
    NOT_LEADER = 18            # this node of a cluster does not lead: log in at the address in LoginRejected.leader
    # RetransmitStatus
    RANGE_FOLLOWS = 0          # "count" reports follow
    RANGE_GONE = 1             # no longer kept, or of a different epoch: load a snapshot
    RANGE_AHEAD = 2            # not sent yet
    RANGE_LIMITED = 3          # too much was requested in too short a time: ask again later
    # AcknowledgementLevel: what a report promises about its command
    VOLATILE = 0               # nothing is written
    MEMORY = 1                 # it survives the process
    DURABLE = 2                # it survives a restart of the machine
    REPLICATED = 3             # it survives the loss of the machine: a majority of the machines of a cluster has it
    # LoginFlag: the bits of Login.flags
    KEEP_ORDERS = 1            # do not cancel this owner's orders when the session ends
    RESUME = 2                 # resume at next_sequence; without it only new reports are sent
    KEEP_GTC_AND_GTD = 4       # when the session ends, do not cancel this owner's GTC and GTD orders
    # Sizes and limits
    WIRE_VERSION = 5
    NONCE_BYTES = 32
    PROOF_BYTES = 32
    SYMBOL_BYTES = 16
    ADDRESS_BYTES = 64
    ORDER_ID_BITS = 48         # a client's order id is below 2 to this power
    MAX_OWNER = 65535

# Client to exchange: enter an order.
ctypedef packed struct NewOrder:
    u8 type
    u8 side                    # Side
    u8 time_in_force           # TimeInForce
    u8 flags                   # bits 0 to 2: SelfTrade, 0 for the instrument's default; the other bits 0
    u32 instrument             # its number
    u64 order_id               # the client's own, below 2**48, unique among its resting orders
    i64 price                  # ticks; ignored in a market, market-to-limit or stop order
    u64 quantity               # lots, 1 to 2**63 - 1
    u8 order_type              # OrderType
    u8 instructions            # Instruction: bits; with EXTENDED the next message is this order's OrderExtension
    u16 zero
    u32 tag                    # kept with the order, not used

# Client to exchange: more fields of the extended NewOrder or ReplaceOrder directly before it; 0 for a field that the order does
# not use.
ctypedef packed struct OrderExtension:
    u8 type
    u8 zero
    u16 zero2
    u32 protection             # ticks: how far a market or stop order may trade from its first price; 0 for no limit
    i64 trigger_price          # ticks: of a stop or stop-limit order
    u64 display_quantity       # lots: the most that the book shows at once; 0 for all
    u64 expiry_ns              # ns since 1970: when a GTD order expires
    u64 minimum_quantity       # lots: the least that must trade at once; of a new order only

# Client to exchange: cancel an order that rests or waits.
ctypedef packed struct CancelOrder:
    u8 type
    u8 zero
    u16 zero2
    u32 instrument             # its number
    u64 order_id               # of the order

# Client to exchange: give an order a new price and a new open quantity, with an extension also other fields.
ctypedef packed struct ReplaceOrder:
    u8 type
    u8 side                    # ignored: an order stays on its side
    u8 time_in_force           # ignored
    u8 flags                   # ignored
    u32 instrument             # its number
    u64 order_id               # of the order
    i64 price                  # ticks; ignored of an order that has no price
    u64 quantity               # lots: the new open quantity
    u8 zero
    u8 instructions            # Instruction: EXTENDED or 0; with EXTENDED the next message is the order's OrderExtension
    u16 zero2
    u32 tag                    # ignored

# Client to exchange: take lots off an order, which keeps its place.
ctypedef packed struct ReduceOrder:
    u8 type
    u8 zero
    u16 zero2
    u32 instrument             # its number
    u64 order_id               # of the order
    u64 quantity               # lots to take off

# Client to exchange: cancel the client's own orders, all or some.
ctypedef packed struct MassCancel:
    u8 type
    u8 side                    # Side, or 0 for both
    u16 zero
    u32 instrument             # 4294967295 for all
    u64 order_id               # any number below 2**48: comes back in the MASS_CANCELLED report

# Client to exchange: list the client's own open orders.
ctypedef packed struct OpenOrders:
    u8 type
    u8 flags                   # 1: begin after the order that instrument and behind name; 0: with the oldest
    u16 zero
    u32 instrument             # of that order; comes back in the OPEN_ORDERS_END report
    u64 order_id               # any number below 2**48: comes back in the OPEN_ORDERS_END report
    u64 behind                 # the client's own id of that order; ignored without the flag

# Exchange to client and on the feed: what happened.
ctypedef packed struct ExecutionReport:
    u8 type
    u8 kind                    # ReportKind
    u8 side                    # Side of the order in order_id
    u8 reason                  # Reason
    u32 instrument             # its number
    u64 seq_num                # 1, 2, 3 ... of this session's stream, or of the feed; 0 of a refusal
    u64 order_id               # to a client: its own order; on the feed: reference of the order, in a trade that of the taker
    u64 maker_id               # to a client: reference of its order (accepted, replaced, open) or of the other order (trade), trigger price (open, WAITS), hidden lots, or number of the command (refusal); of an auction: the surplus
    i64 price                  # ticks
    u64 quantity               # lots

# Exchange to client, first: request a login.
ctypedef packed struct Challenge:
    u8 type
    u8 version                 # WIRE_VERSION
    u8 open                    # 1: proofs are not checked (a server for tests, on the loopback address)
    u8 zero
    u32 login_timeout_ms       # time for the login to arrive
    u8 nonce[32]               # random, new for each connection

# Client to exchange, first: owner, proof and where to resume.
ctypedef packed struct Login:
    u8 type
    u8 version                 # WIRE_VERSION
    u8 flags                   # LoginFlag: KEEP_ORDERS, RESUME, KEEP_GTC_AND_GTD
    u8 zero
    u32 owner                  # 1 to 65,535
    u64 next_sequence          # with RESUME: the first report wanted, from 1; else 0
    u8 proof[32]               # HMAC-SHA256 under the secret over nonce and the 16 bytes before this field

# Exchange to client: the session begins; reports from next_sequence follow.
ctypedef packed struct LoginAccepted:
    u8 type
    u8 level                   # AcknowledgementLevel: what a report promises
    u8 flags                   # LoginFlag, as in the login
    u8 zero
    u32 owner                  # as in the login
    u64 next_sequence          # of the first report that follows
    u64 oldest_sequence        # of the oldest report that is kept
    u32 heartbeat_ms           # each end sends something at least this often
    u32 timeout_ms             # an end ends the session after this long without a message
    u32 orders_per_second      # the throttle, 0 for none; cancels may come twice as fast
    u32 term                   # of the exchange's log, from 1: it grows whenever a process becomes its writer

# Exchange to client: the login is rejected.
ctypedef packed struct LoginRejected:
    u8 type
    u8 reason                  # SessionReason
    u16 zero
    u32 owner                  # as in the login, 0 without one
    u64 oldest_sequence        # with SEQUENCE_GONE: of the oldest report that is kept; else 0
    u32 term                   # of the exchange's log, with NOT_LEADER the highest that the node knows; 0 if unknown
    u32 zero2
    u8 leader[64]              # with NOT_LEADER: HOST:PORT of the leader's order entry as text, padded with zeros; empty: unknown

# Both directions: the sender is alive.
ctypedef packed struct Heartbeat:
    u8 type
    u8 zero
    u16 zero2
    u32 zero3
    u64 next_sequence          # from the exchange: number of the next report; from a client: of the next report that it expects

# Both directions: the last message, with the reason.
ctypedef packed struct Logout:
    u8 type
    u8 reason                  # SessionReason
    u16 zero
    u32 zero2
    u64 next_sequence          # as in a heartbeat

# On the feed: the number of the next report, and a checksum over all before it. A datagram of its own.
ctypedef packed struct FeedHeartbeat:
    u8 type
    u8 busy                    # 1: the exchange cannot acknowledge commands at present and refuses new orders; else 0
    u16 zero
    u32 checksum               # of all reports before seq_num
    u64 seq_num                # of the next report: a subscriber that expects a lower number has missed reports
    u64 epoch                  # ns, when this feed began; a different epoch is a different feed, numbered from 1
    u64 timestamp              # ns, when this was sent
    u32 term                   # of the exchange's log, as in LoginAccepted
    u32 zero2
    u64 zero3

# To the recovery server: send these reports again.
ctypedef packed struct RetransmitRequest:
    u8 type
    u8 zero
    u16 zero2
    u32 count                  # reports, at least 1
    u64 seq_num                # of the first
    u64 epoch                  # of the feed, 0 when unknown

# From the recovery server: the answer; then "count" execution reports follow.
ctypedef packed struct RetransmitReply:
    u8 type
    u8 status                  # RetransmitStatus
    u16 zero
    u32 count                  # reports that follow; if fewer than requested, request the rest
    u64 seq_num                # of the first
    u64 oldest_sequence        # of the oldest report that is kept
    u64 next_sequence          # of the next report of the feed
    u64 epoch                  # of the feed
    u32 checksum               # of all reports before seq_num, with RANGE_FOLLOWS, or if seq_num is next_sequence; else 0
    u32 term                   # of the exchange's log, as in LoginAccepted

# To the recovery server: send a snapshot of all books, or of the instruments alone.
ctypedef packed struct SnapshotRequest:
    u8 type
    u8 zero
    u16 zero2
    u32 without_orders         # 1: send every instrument and no order, digest and checksum 0; 0: send both

# From the recovery server: the counts of a snapshot, whose instruments and orders follow.
ctypedef packed struct SnapshotHeader:
    u8 type
    u8 zero
    u16 zero2
    u32 instruments            # how many SnapshotInstrument follow
    u64 seq_num                # of the last report in the snapshot: continue with the next
    u64 orders                 # how many SnapshotOrder follow them
    u64 digest                 # of all books; a subscriber's own must be equal
    u64 epoch                  # of the feed
    u32 checksum               # of all reports up to and including seq_num
    u32 term                   # of the exchange's log, as in LoginAccepted

# From the recovery server: an instrument, its rules, and what the last report about an auction said.
ctypedef packed struct SnapshotInstrument:
    u8 type
    u8 phase                   # Phase
    u16 price_decimals         # digits of price_unit after the decimal point, 0 to 18
    u32 instrument             # its number
    u64 tick_size              # every price is a multiple
    u64 lot_size               # every quantity is a multiple
    i64 low_price              # ticks: no order may be below
    i64 high_price             # ticks: no order may be above
    u64 price_unit             # value of one tick in currency, in units of 10 to the power of -price_decimals
    u8 symbol[16]              # UTF-8, padded with zeros
    u8 auction                 # ReportKind of the last report about an auction: INDICATIVE or UNCROSSED; 0 without one
    u8 auction_priced          # 1: it has a price; 0: no two orders can trade
    u8 surplus_side            # Side of the surplus, 0 without one
    u8 zero
    u32 zero2
    i64 auction_price          # ticks: where the auction would trade, or traded; 0 without one
    u64 auction_quantity       # lots that trade there
    u64 surplus                # lots that find no counterparty there

# From the recovery server: an order that rests, or whose command is not finished.
ctypedef packed struct SnapshotOrder:
    u8 type
    u8 side                    # Side
    u16 taking                 # 0: it rests; 3: it rests without a price until the auction; else its command is not finished, and its remainder may rest (1) or never rests (2)
    u32 instrument             # its number
    u64 order_id               # its reference
    i64 price                  # ticks
    u64 quantity               # lots still open
    u64 zero
    u64 zero2
