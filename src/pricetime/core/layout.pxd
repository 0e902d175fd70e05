# The schema of the core: all records, with size, units and invariants, and all constants.
#
# Read by the compiler, and by layout.py for the uncompiled form, which supports only what is used here:
# ctypedef of an integer, ctypedef [packed] struct, enum of constants, a comment after "#".
# Indices: 0 means none, so that zeroed memory is empty; orders, levels and nodes count from 1.

from pricetime.native.integers cimport i64, u8, u16, u32, u64

cdef enum:
    NIL = 0
    # Side
    BID = 1
    ASK = 2
    # OrderType
    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    # TimeInForce
    GTC = 0
    DAY = 1
    GTD = 2
    IOC = 3
    FOK = 4
    GFA = 5
    # Instruction: bits
    POST_ONLY = 1
    AT_THE_OPEN = 2
    AT_THE_CLOSE = 4
    ALL_OR_NONE = 8
    EXTENDED = 128
    # SelfTrade
    OFF = 1
    CANCEL_NEWEST = 2
    CANCEL_OLDEST = 3
    CANCEL_BOTH = 4
    DECREMENT = 5
    CANCEL_SMALLER = 6
    # ReplacePolicy
    KEEP_IF_NOT_LARGER = 0
    ALWAYS_LOSE = 1
    # CommandType, and the type of every report
    NEW_ORDER = 1
    CANCEL_ORDER = 2
    REPLACE_ORDER = 3
    REDUCE_ORDER = 4
    REPLACE_ORDER_AS = 5
    MASS_CANCEL = 6
    GATEWAY_REJECT = 7
    SET_PHASE = 8
    CONTINUE = 9
    OPEN_ORDERS = 10
    ORDER_EXTENSION = 11
    UNCROSS = 12
    INDICATE = 13
    EXPIRE = 14
    SET_PRICE = 15
    EXECUTION_REPORT = 16
    # ReportKind
    ACCEPTED = 1
    TRADE = 2
    CANCELLED = 3
    REPLACED = 4
    REDUCED = 5
    EXPIRED = 6
    REJECTED = 7
    MASS_CANCELLED = 8
    PHASE_CHANGED = 9
    OPEN_ORDER = 10
    OPEN_ORDERS_END = 11
    TRIGGERED = 12
    REFRESHED = 13
    INDICATIVE = 14
    UNCROSSED = 15
    AUCTION_TRADE = 16
    EXPIRY_DONE = 17
    PRICE_SET = 18
    HIDDEN = 19
    # Phase
    CONTINUOUS = 0
    HALTED = 1
    CLOSED = 2
    PRE_OPEN = 3
    OPENING_AUCTION = 4
    VOLATILITY_AUCTION = 5
    CLOSING_AUCTION = 6
    # PriceKind
    REFERENCE = 1
    LAST = 2
    LOW = 3
    HIGH = 4
    # StopTrigger
    LAST_TRADE = 0
    BEST_QUOTE = 1
    # StopEntry
    TRIGGER = 0
    REJECT = 1
    # Breach
    INTERRUPT = 0
    REJECT_REST = 1
    # Reason
    NONE = 0
    UNKNOWN_COMMAND = 1
    UNKNOWN_INSTRUMENT = 2
    INVALID_SIDE = 3
    INVALID_TIME_IN_FORCE = 4
    INVALID_SELF_TRADE = 5
    INVALID_QUANTITY = 6
    INVALID_PRICE = 7
    DUPLICATE_ORDER_ID = 8
    UNKNOWN_ORDER = 9
    WOULD_CROSS = 10
    ORDERS_FULL = 11
    LEVELS_FULL = 12
    LEVEL_QUANTITY_FULL = 13
    INVALID_ORDER_ID = 14
    PRICE_OUTSIDE_BAND = 15
    INSTRUMENT_HALTED = 16
    THROTTLED = 17
    MALFORMED = 18
    INVALID_PHASE = 19
    OWNER_ORDERS_FULL = 20
    QUANTITY_ABOVE_LIMIT = 21
    PRICE_TOO_FAR = 22
    INVALID_TRIGGER_PRICE = 23
    MASS_CANCEL_UNFINISHED = 24
    INVALID_ORDER_TYPE = 25
    INVALID_INSTRUCTION = 26
    NOT_SUPPORTED = 27
    INVALID_DISPLAY_QUANTITY = 28
    INVALID_EXPIRY = 29
    INVALID_MINIMUM_QUANTITY = 30
    NOT_IN_PHASE = 31
    IOC_REMAINDER = 32
    FOK_UNFILLABLE = 33
    MARKET_REMAINDER = 34
    SELF_TRADE = 35
    KEPT_PLACE = 36
    BY_MASS_CANCEL = 37
    BY_DISCONNECT = 38
    AS_MAKER = 39
    BY_OPERATOR = 40
    UNFINISHED = 41
    NEVER_RESTS = 42
    MORE_FOLLOW = 43
    WAITS = 44
    AT_MARKET = 45
    PRICED = 46
    AUCTION_REMAINDER = 47
    MINIMUM_UNFILLABLE = 48
    OUTSIDE_RANGE = 49
    NO_AUCTION_PRICE = 50
    EXPIRY_REACHED = 51
    DAY_ENDED = 52
    TRADED_MORE = 53
    INVALID_PROTECTION = 64
    TRIGGERS_AT_ONCE = 65
    NO_REFERENCE_PRICE = 66
    MUST_UNCROSS = 67
    REFRESHES_FULL = 68
    BUSY = 69
    # PassiveAction
    ADD = 1
    EXECUTE = 2
    REDUCE = 3
    CANCEL = 4
    REPLACE = 5
    # Why a report does not fit a rebuilt book, besides the reasons above
    OUT_OF_SEQUENCE = 128
    COMMAND_GOES_ON = 129
    # SnapshotOrder.taking: a resting order, one whose command is unfinished, or a market order of a call phase
    RESTS = 0
    MAY_REST = 1
    ONLY_TAKES = 2
    UNPRICED = 3
    # RestingOrder.place: at its level, among the market orders of a call phase, or waiting: for its trigger price, an
    # auction, or to trade whole
    AT_LEVEL = 0
    IN_CALL = 1
    AT_TRIGGER = 2
    FOR_OPEN = 3
    FOR_CLOSE = 4
    FOR_WHOLE = 5
    # InstrumentState.has: bits
    COLLECTING = 1
    HAS_REFERENCE = 2
    HAS_LAST = 4
    LOW_SET = 8
    HIGH_SET = 16
    HAS_AUCTION = 32
    AUCTION_PRICED = 64
    AUCTION_FINAL = 128
    # The type of an order in a snapshot
    SNAPSHOT_ORDER = 54
    # The instrument of a mass cancel over all instruments
    ALL_INSTRUMENTS = 0xFFFFFFFF
    # The quantity of a mass cancel that keeps GTC and GTD orders: a bit for each time in force that it keeps
    GTC_AND_GTD = 5
    # Most reports of one command besides those about the ends of orders and slices; most about each order, as many more
    # about one that is not at a level; and most about each refresh, with the trade before it
    REPORTS_PER_COMMAND = 4
    REPORTS_PER_ORDER = 2
    REPORTS_PER_REFRESH = 3
    # Queues of a book: the market orders of a call phase, the orders for the open, for the close, of each side
    QUEUES = 6
    # Refreshes that all icebergs of an engine together may have left, unless it is made with a different limit
    DEFAULT_REFRESHES = 1048576
    # Most orders in the answer to one OPEN_ORDERS command, and its flag to start after a given order
    OPEN_ORDERS_TOLD = 256
    BEHIND = 1
    # Smallest order-id table, in entries; and the size from which it may be half full: a smaller one is kept sparse,
    # since it stays in the cache of a core
    FEWEST_IDS = 32
    MANY_IDS = 131072
    # Remembered leaves of one side
    LEAF_CACHE = 64
    # GTD orders that EXPIRE takes out of the heap at a time
    TOGETHER = 32
    # Commands between the steps of prefetching, and how many are remembered: a power of two above three steps
    AHEAD = 4
    LOOKUPS = 16
    # More orders at one time, or more levels, than this, over all books, do not stay in the cache
    MANY_ORDERS = 32768
    MANY_LEVELS = 16384

# A command: 64 bytes, types.COMMAND.
ctypedef packed struct Command:
    u64 sequence
    u64 timestamp        # ns
    u32 session
    u16 length           # bytes of the order that count
    u8 order_type
    u8 instructions      # bits of Instruction
    u8 type
    u8 side
    u8 time_in_force
    u8 flags             # bits 0 to 2: self-trade mode, 0 for the instrument's default; the others 0
    u32 instrument
    u64 order_id
    i64 price            # ticks
    u64 quantity         # lots; of a mass cancel: bits, 1 << TimeInForce, of the orders that it keeps
    u32 owner
    u32 tag

# More fields of the order in the command before it, among commands: 64 bytes, types.ORDER_EXTENSION.
ctypedef packed struct OrderExtension:
    u64 sequence
    u64 timestamp        # ns
    u32 session
    u16 length           # as of a command
    u16 zero
    u8 type
    u8 zero2
    u16 zero3
    u32 protection       # ticks
    i64 trigger_price    # ticks
    u64 display_quantity # lots
    u64 expiry_ns
    u64 minimum_quantity # lots

# A report: 48 bytes, types.REPORT.
ctypedef packed struct Report:
    u8 type
    u8 kind
    u8 side
    u8 reason
    u32 instrument
    u64 seq_num
    u64 order_id
    u64 maker_id
    i64 price            # ticks
    u64 quantity         # lots

# A resting or waiting order in the records of a book: 112 bytes, types.RESTING_ORDER.
ctypedef packed struct RestingOrder:
    u64 timestamp        # ns
    u64 order_id
    u64 reference        # its public number
    i64 price            # ticks
    u64 remaining        # lots still open
    u32 owner
    u32 tag
    u32 instrument
    u8 side
    u8 time_in_force
    u8 self_trade        # its mode, 0 for the instrument's default
    u8 order_type
    u8 instructions
    u8 place             # where it is: AT_LEVEL, IN_CALL, AT_TRIGGER, FOR_OPEN, FOR_CLOSE or FOR_WHOLE
    u16 zero
    u32 protection       # ticks
    i64 trigger_price    # this and the next three: 0 of orders that have none
    u64 display_quantity
    u64 hidden_quantity
    u64 expiry_ns
    u64 filled           # lots that have traded; 0 of an order that keeps no count
    u64 entered          # its entry number; 0 of an order that needs none

# The state of an instrument in the records of a book besides its orders: 80 bytes, types.INSTRUMENT_STATE.
ctypedef packed struct InstrumentState:
    u32 instrument
    u8 phase
    u8 has               # bits: COLLECTING, HAS_REFERENCE ... AUCTION_FINAL
    u8 surplus_side      # of the last auction, 0 for none
    u8 zero
    u64 entries          # entry numbers given so far
    i64 reference_price  # ticks; 0 without HAS_REFERENCE
    i64 last_price       # of the last trade, ticks; 0 without HAS_LAST
    i64 low_price        # that a command set, ticks; 0 without LOW_SET: then the instrument's counts
    i64 high_price       # the same with HIGH_SET
    u64 scheduled_ns     # the rows of its schedule up to this time are done; 0: none is
    i64 auction_price    # where the last auction would trade, or traded with AUCTION_FINAL; 0 without AUCTION_PRICED
    u64 auction_quantity # lots that trade there; 0 without HAS_AUCTION
    u64 surplus          # lots that find no counterparty there

# An unfinished mass cancel in the records of a book: 40 bytes, types.UNFINISHED_CANCEL.
ctypedef packed struct UnfinishedCancel:
    u64 order_id         # of the command
    u64 cancelled        # orders, so far
    u32 older            # orders of the owner that are older than the next one to visit
    u32 waiting          # orders left to visit
    u32 owner
    u32 instrument       # or ALL_INSTRUMENTS
    u8 side              # 0 for both
    u8 reason            # of the cancelled reports
    u8 keeps             # bits, 1 << TimeInForce, of the orders that it keeps
    u8 zero
    u32 zero2

# An order in a public snapshot: 48 bytes, types.SNAPSHOT_ORDER.
ctypedef packed struct SnapshotOrder:
    u8 type
    u8 side
    u16 taking           # RESTS; for a taker MAY_REST or ONLY_TAKES; UNPRICED for a market order of a call phase
    u32 instrument
    u64 order_id
    i64 price            # ticks
    u64 quantity         # lots still open
    u64 zero
    u64 zero2

# Result of an action on a passive book: 2 bytes, types.PASSIVE_RESULT.
ctypedef packed struct PassiveResult:
    u8 reason            # NONE if it was done
    u8 first             # 1 if it executed the first order at the best price

# The fields of a resting order that matching reads: 32 bytes. A free slot stores the next free one in "next".
ctypedef struct Order:
    u64 id
    u64 remaining        # lots, at least 1
    u32 next             # order behind it at its level, NIL for the last
    u32 prev             # order ahead of it, NIL for the first
    u32 level
    u32 owner

# The other fields of a resting order: 32 bytes under the same index.
ctypedef struct OrderCold:
    u64 timestamp        # ns
    u64 reserved         # 0
    u64 reference        # public number: 1, 2, 3 ... in the order of acceptance, over all books
    u32 tag
    u8 time_in_force     # these four in the order of the command, two by two
    u8 self_trade        # its mode, 0 for the instrument's default
    u8 order_type
    u8 instructions

# What an order with other than plain terms has besides, under the same index: 88 bytes. All 0 of a free slot, and of an
# order that needs none: see "special" of VenueBook.
ctypedef struct OrderExtra:
    i64 price            # ticks, of an order that waits for its trigger price or an auction; 0 if it names none
    i64 trigger_price    # ticks, of a stop order that waits
    u64 display          # lots of a slice of an iceberg, 0 of other orders
    u64 hidden           # lots that are not displayed: all of an order that waits
    u64 expiry_ns        # of a GTD order
    u64 filled           # lots that have traded; counted only in a book with replace_total
    u64 entered          # its entry number: larger is later; 0 of a plain order
    u64 cancels          # mass cancels of all owners that had begun when it joined its owner's list
    u32 protection       # ticks, of a stop order that waits
    u32 heap             # its position in the heap of GTD orders, 0 if it is not in it
    u32 later            # the next DAY order in order of entry, NIL for the last
    u32 earlier          # the one before, NIL for the first
    u32 unnamed          # 1: a new order that trades; the table of ids does not have it yet
    u32 special          # 1: it is counted in "special" of its book

# All orders at one price of one side, or in one queue: 32 bytes. A free level stores the next free one in "head".
ctypedef struct Level:
    i64 key              # bid: price, ask: ~price, so that the largest is the best on both sides
    u64 quantity         # lots: the sum over its orders, below 2**64; of a queue or a waiting level modulo 2**64
    u32 head             # first in, first out
    u32 tail
    u32 count            # orders, at least 1; of a queue at least 0
    u16 side
    u16 place            # of its orders: AT_LEVEL, IN_CALL, AT_TRIGGER, FOR_OPEN, FOR_CLOSE or FOR_WHOLE

# A node of the radix tree over key + 2**63, 64 ways: 280 bytes. A free node stores the next free one in "parent".
ctypedef struct Node:
    u64 map              # bit i: children[i] is in use; never 0
    u64 prefix           # the bits above this node's own six, shared by everything below it
    u32 parent           # NIL for the root
    u32 shift            # position of its six bits: 0 for a leaf, whose children are levels; else 6, 12, ... 60
    u32 children[64]

# One side of a book.
ctypedef struct Ladder:
    u32 root             # NIL if the side is empty
    u32 best             # level with the largest key, NIL if the side is empty
    i64 best_key         # its key
    u32 levels           # how many
    u32 reserved
    u32 leaves[64]       # the last leaf used for each prefix modulo LEAF_CACHE, or NIL

# The place of a resting order in the list of its owner, under the same index: 16 bytes. Unused for owner 0.
ctypedef struct OwnerLink:
    u32 next             # next newer order of the owner, in any book, NIL for the newest
    u32 prev             # older one, NIL for the oldest
    u32 instrument       # of the book of the order
    u32 list             # the OwnerList

# The orders of one owner over all books, in the order in which they joined the back of a level: 24 bytes. Owners below
# owner_limit have the list with their number; any other owner has one, found by hash, while it has orders.
# A free list keeps the next free one in "head".
ctypedef struct OwnerList:
    u32 head             # the oldest, NIL if none rests
    u32 tail
    u32 count            # orders
    u32 walked           # 1: a mass cancel of this owner is unfinished; its Walk is its progress
    u32 owner            # of a list that is found by hash
    u32 other            # the next list in the same bucket, NIL for the last

# Limits of an owner: 24 bytes. The largest number of a field means no limit.
ctypedef struct OwnerLimit:
    u64 quantity         # lots of one order
    u64 price_distance   # ticks from the best price of the other side, or of its own if that is empty
    u32 open_orders      # over all books
    u32 reserved         # 0

# An unfinished mass cancel, by owner: 40 bytes. Orders that join the list after it began come after "last".
ctypedef struct Walk:
    u64 order_id         # of the command, for its last report
    u64 cancelled        # orders, so far
    u32 instrument       # of the orders that it cancels, or ALL_INSTRUMENTS
    u32 next             # the next order to visit, NIL if none is left
    u32 last             # the last order to visit, unused if none is left
    u8 side              # 0 for both
    u8 reason            # of the cancelled reports
    u8 keeps             # bits, 1 << TimeInForce, of the orders that it keeps
    u8 reserved          # 0
    u64 number           # of the mass cancels of all owners: orders that joined after it began have at least this

# An entry of an order-id table; empty if slot is NIL.
ctypedef struct IdEntry:
    u32 tag              # hash of the id; its place in the table follows from it
    u32 slot

# Where the last auction of a book traded or would trade, as its last report said: 32 bytes.
ctypedef struct Indication:
    i64 price            # ticks
    u64 quantity         # lots that trade
    u64 surplus          # lots that would trade at this price and find no counterparty
    u8 side              # of the surplus, 0 for none
    u8 kind              # of the report: INDICATIVE or UNCROSSED, 0 before the first
    u8 priced            # 0: no two orders can trade
    u8 reserved          # 0
    u32 reserved2        # 0

# What a command ahead will look up: 16 bytes. Only for prefetching, so an entry may be out of date.
ctypedef struct Lookup:
    IdEntry *entry       # where its order id most likely is
    u32 slot             # what was there
    u32 level            # that a new order may join

# What a phase accepts, from pricetime.phases: 8 bytes.
ctypedef struct PhaseRule:
    u32 accepts          # bit i: commands of type i, of those about one order
    u8 matches           # 1: orders trade with those they cross
    u8 collects          # 1: orders rest without trading, market orders too, until an uncross
    u8 reason            # of the commands that it rejects
    u8 auction           # orders with this instruction join when it begins, 0 for none

# The settings of one instrument's venue, from pricetime.profiles.Venue, and the row of its auction.
ctypedef struct VenueRule:
    u64 iceberg_ratio    # the most times its display quantity an iceberg may have, 0 for no limit
    u64 minimum_display  # an iceberg that displays less is refreshed
    u64 static_range     # ticks from the reference price, 0 for no limit
    u64 dynamic_range    # ticks from the last trade before the order, 0 for no limit
    u8 stop_trigger      # LAST_TRADE or BEST_QUOTE
    u8 stop_at_entry     # TRIGGER or REJECT
    u8 on_breach         # INTERRUPT or REJECT_REST
    u8 keeps_place       # 1: an iceberg that is replaced to no more lots at its price keeps its place
    u8 replace_total     # 1: the quantity of a replace counts what has traded
    u8 all_or_none       # 1: it accepts all-or-none orders
    u8 every_tick        # these four: auctions.AuctionRule
    u8 with_reference
    u32 percent
    u32 stops_inside

# A GTD order in the heap of its book: 24 bytes, with what the heap compares.
ctypedef struct Expiring:
    u64 expiry_ns
    u64 entered
    u32 slot
    u32 reserved         # 0

# What a book has besides its levels: orders that wait, the market orders of a call phase, prices that rules need.
ctypedef struct VenueBook:
    VenueRule rule
    Indication indication
    Ladder stops[2]      # orders that wait for their trigger price, by trigger price: buy stops have the key ~price, sell
                         # stops the key price, so that the best one is triggered first
    Ladder whole[2]      # all-or-none orders, by price
    u32 queues[6]        # levels without a ladder: of place IN_CALL, FOR_OPEN, FOR_CLOSE, each for bids and asks
    u32 heap_count       # GTD orders
    Expiring *heap       # the same, from position 1, by expiry time and entry number: 4 entries below each
    u32 first_day        # DAY orders in order of entry
    u32 last_day
    u32 special          # orders with extras: DAY, GTD, GFA, icebergs, and all that are not at a level
    u32 waiting          # orders that wait: for a trigger price, an auction, or to trade whole
    u32 for_auction      # orders at a level that are for one auction
    u64 entries          # entry numbers given so far
    u64 scheduled_ns     # the rows of its schedule up to this time are done; 0: none is
    i64 reference        # price, ticks, if has_reference
    i64 lowest           # of the trades of the current command, if traded
    i64 highest
    u8 has_reference
    u8 traded            # 1: the current command made a trade
    u8 collecting        # 1: orders were collected, and no uncross has followed
    u8 always            # 1: its settings need the rules for every command
    u8 low_set           # 1: a command set this end of the price band
    u8 high_set
    u16 reserved         # 0

# One instrument's book.
ctypedef struct Book:
    Ladder ladders[2]    # bids, asks
    IdEntry *ids         # grows in place: room for id_most, and half as many for the entries behind the last home
    u64 id_entries       # homes: a power of two
    u64 id_most
    u32 id_shift         # 32 - log2(id_entries / 8)
    u32 id_moved         # tags below it still have their home of before the table began to grow; 0 if it does not grow
    u32 id_old_shift     # id_shift of before, for those
    u32 id_room          # orders above which the next one makes the table grow; 0 while it grows
    u32 count            # resting orders
    u32 order_limit      # the most that may rest
    u32 instrument
    u8 self_trade        # default mode
    u8 replace_policy
    u8 phase
    u8 older_rules       # 1: orders that rest may be outside the band, or more than the limit
    PhaseRule rule       # of the phase
    u64 tick_size        # every price is a multiple
    u64 lot_size         # every quantity is a multiple
    VenueBook *venue     # what the rules of its venue need
    u64 kinds            # bit order_type * 8 + time_in_force: the venue accepts these
    i64 last_price       # of the last trade, ticks, if has_last
    u8 has_last
    u8 ruled             # 1: its rules execute every command about one order; 0: nothing in it needs them
    u16 reserved         # 0
    i64 low_price        # ticks: the lowest price an order may have
    u64 band             # ticks from there to the highest: u64, so that a band may be all of i64
