# The schema of the core: every record, with its size, its units and what always holds.
#
# Read by the compiler, and by layout.py for the uncompiled form, which knows exactly what is used here:
# ctypedef of an integer, ctypedef [packed] struct, enum of constants, a comment after "#".
# Indices: 0 is no order, no level, no node, so that fresh memory is empty; real ones count from 1.

ctypedef unsigned char u8
ctypedef unsigned short u16
ctypedef unsigned int u32
ctypedef unsigned long long u64
ctypedef long long i64

cdef enum:
    NIL = 0
    # Side
    BID = 1
    ASK = 2
    # TimeInForce
    GTC = 0
    IOC = 1
    FOK = 2
    POST_ONLY = 3
    MARKET = 4
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
    SET_STATE = 8
    CONTINUE = 9
    OPEN_ORDERS = 10
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
    STATE_CHANGED = 9
    OPEN_ORDER = 10
    OPEN_ORDERS_END = 11
    # InstrumentState
    OPEN = 0
    HALTED = 1
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
    INVALID_STATE = 19
    OWNER_ORDERS_FULL = 20
    QUANTITY_ABOVE_LIMIT = 21
    PRICE_TOO_FAR = 22
    MASS_CANCEL_UNFINISHED = 24
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
    # PassiveAction
    ADD = 1
    EXECUTE = 2
    REDUCE = 3
    CANCEL = 4
    REPLACE = 5
    # Why a report does not fit a rebuilt book, beside the reasons above
    OUT_OF_SEQUENCE = 64
    COMMAND_GOES_ON = 65
    # What an order in a snapshot is: a resting one, or one whose command goes on
    RESTS = 0
    MAY_REST = 1
    ONLY_TAKES = 2
    # The type of an order in a snapshot
    SNAPSHOT_ORDER = 54
    # The instrument of a mass cancel over all of them
    ALL_INSTRUMENTS = 0xFFFFFFFF
    # Reports that one command may make beside those of the makers it meets, and those of each maker
    REPORTS_PER_COMMAND = 3
    REPORTS_PER_MAKER = 2
    # Orders that one OPEN_ORDERS command tells of at most, and the flag of one that begins behind an order
    OPEN_ORDERS_TOLD = 256
    BEHIND = 1
    # Leaves of one side found without a descent
    LEAF_CACHE = 64
    # Commands between the steps of fetching ahead
    AHEAD = 4
    # Levels, over all books, that no longer stay in a cache of a core
    MANY_LEVELS = 16384

# What enters: 64 bytes, types.COMMAND.
ctypedef packed struct Command:
    u64 sequence
    u64 timestamp        # ns
    u32 session
    u16 length           # bytes of the body that count
    u16 reserved         # 0
    u8 type
    u8 side
    u8 time_in_force
    u8 flags             # bits 0 to 2: self-trade mode, 0 for the instrument's default; the others 0
    u32 instrument
    u64 order_id
    i64 price            # ticks
    u64 quantity         # lots
    u32 owner
    u32 tag

# What leaves: 48 bytes, types.REPORT.
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

# A report on its way from the engine to the gateway: 64 bytes, a slot of a ring.
ctypedef packed struct RoutedReport:
    Report report
    u64 timestamp        # ns, of the command that made it
    u32 session          # owner whose command made it, 0 for the exchange itself
    u16 last             # 1 on the last report of a command
    u16 kind             # there: which kind of command it was, see measure/latency.pxd

# An order in a snapshot of the books: 48 bytes, types.SNAPSHOT_ORDER.
ctypedef packed struct SnapshotOrder:
    u8 type
    u8 side
    u16 taking           # RESTS; or its command goes on and what is left of it MAY_REST, or it ONLY_TAKES
    u32 instrument
    u64 order_id
    i64 price            # ticks
    u64 quantity         # lots still open
    u64 zero
    u64 zero2

# What became of an action on a passive book: 2 bytes, types.PASSIVE_RESULT.
ctypedef packed struct PassiveResult:
    u8 reason            # NONE when it was done
    u8 first             # 1 when it executed the first order at the best price

# A resting order, what matching reads of it: 32 bytes. A free slot keeps the next free one in "next".
ctypedef struct Order:
    u64 id
    u64 remaining        # lots, at least 1
    u32 next             # order behind it at its level, NIL for the last
    u32 prev             # order ahead of it, NIL for the first
    u32 level
    u32 owner

# The rest of a resting order: 32 bytes under the same index.
ctypedef struct OrderCold:
    u64 timestamp        # ns
    u64 display          # 0: kept for icebergs
    u64 hidden           # 0: kept for icebergs
    u32 tag
    u8 self_trade        # mode it was entered with, 0 for the instrument's default
    u8 post_only         # 1 when it may never take
    u16 reserved         # 0

# An open order and its reference: 32 bytes. Of no meaning where the reference is 0.
ctypedef struct OpenOrder:
    u64 id
    u64 reference        # 1, 2, 3 ... in the order of acceptance, over all books
    u64 open             # lots: what it has left
    u32 instrument       # whose book it is in; ids are unique within one
    u32 reserved         # 0

# All orders at one price of one side: 32 bytes. A free level keeps the next free one in "head".
ctypedef struct Level:
    i64 key              # bid: price, ask: ~price, so that the largest is the best on both sides
    u64 quantity         # lots: the sum over its orders, below 2**64
    u32 head             # first in, first out
    u32 tail
    u32 count            # orders, at least 1
    u32 side

# A node of the radix tree over key + 2**63, 64 ways: 280 bytes. A free node keeps the next free one in "parent".
ctypedef struct Node:
    u64 map              # bit i: children[i] is in use; never 0
    u64 prefix           # the bits above this node's own six, shared by everything below it
    u32 parent           # NIL for the root
    u32 shift            # position of its six bits: 0 for a leaf, whose children are levels; else 6, 12, ... 60
    u32 children[64]

# One side of a book.
ctypedef struct Ladder:
    u32 root             # NIL when the side is empty
    u32 best             # level with the largest key, NIL when the side is empty
    i64 best_key         # its key
    u32 levels           # how many
    u32 reserved
    u32 leaves[64]       # the leaf last seen for each prefix modulo LEAF_CACHE, or NIL

# The place of a resting order in the list of its owner, under the same index: 16 bytes. Unused for owner 0.
ctypedef struct OwnerLink:
    u32 next             # younger order of the owner, in any book, NIL for the youngest
    u32 prev             # older one, NIL for the oldest
    u32 instrument       # whose book the order is in
    u32 list             # the OwnerList

# The orders of one owner over all books, in the order in which they joined the back of a level: 24 bytes. Owners below
# owner_limit have the list with their number; any other owner has one, found by hash, while it has orders.
# A free list keeps the next free one in "head".
ctypedef struct OwnerList:
    u32 head             # the oldest, NIL if none rests
    u32 tail
    u32 count            # orders
    u32 walked           # 1: a mass cancel of this owner is unfinished, and its Walk says how far it is
    u32 owner            # of a list that is found by hash
    u32 other            # the next list in the same bucket, NIL for the last

# What an owner may ask for: 24 bytes. The largest number of a field is no limit.
ctypedef struct OwnerLimit:
    u64 quantity         # lots of one order
    u64 price_distance   # ticks from the best price of the other side, or of its own when that is empty
    u32 open_orders      # over all books
    u32 reserved         # 0

# A mass cancel that is unfinished, by owner: 32 bytes. Orders that join the list after it began are behind "last".
ctypedef struct Walk:
    u64 order_id         # of the command, for the report at the end
    u64 cancelled        # orders, so far
    u32 instrument       # whose orders it takes, or ALL_INSTRUMENTS
    u32 next             # the order that it looks at next, NIL when none is left
    u32 last             # the order that it looks at last, of no meaning when none is left
    u8 side              # 0 for both
    u8 reason            # of the cancelled reports
    u16 reserved         # 0

# An entry of an order-id table; empty when slot is NIL.
ctypedef struct IdEntry:
    u32 tag              # hash of the id; its place in the table follows from it
    u32 slot

# One instrument's book.
ctypedef struct Book:
    Ladder ladders[2]    # bids, asks
    IdEntry *ids
    u32 id_mask          # entries - 1
    u32 id_shift         # 32 - log2(entries / 8)
    u32 count            # resting orders
    u32 order_limit      # the most that may rest
    u32 instrument
    u8 self_trade        # default mode
    u8 replace_policy
    u8 state             # InstrumentState
    u8 older_rules       # 1: orders may rest that came under others: outside the band, or more than the limit
    u64 tick_size        # every price is a multiple
    u64 lot_size         # every quantity is a multiple
    i64 low_price        # ticks: the lowest price an order may have
    u64 band             # ticks from there to the highest: u64, so that a band may be all of i64
