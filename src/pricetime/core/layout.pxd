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
    # Instruction: bits
    POST_ONLY = 1
    AT_THE_OPEN = 2
    AT_THE_CLOSE = 4
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
    # Phase
    CONTINUOUS = 0
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
    INVALID_PHASE = 19
    OWNER_ORDERS_FULL = 20
    QUANTITY_ABOVE_LIMIT = 21
    PRICE_TOO_FAR = 22
    MASS_CANCEL_UNFINISHED = 24
    INVALID_ORDER_TYPE = 25
    INVALID_INSTRUCTION = 26
    NOT_SUPPORTED = 27
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
    # Why a report does not fit a rebuilt book, besides the reasons above
    OUT_OF_SEQUENCE = 64
    COMMAND_GOES_ON = 65
    # SnapshotOrder.taking: a resting order, or one whose command is unfinished
    RESTS = 0
    MAY_REST = 1
    ONLY_TAKES = 2
    # The type of an order in a snapshot
    SNAPSHOT_ORDER = 54
    # The instrument of a mass cancel over all instruments
    ALL_INSTRUMENTS = 0xFFFFFFFF
    # Most reports of one command besides those about makers, and most reports about each maker
    REPORTS_PER_COMMAND = 3
    REPORTS_PER_MAKER = 2
    # Most orders in the answer to one OPEN_ORDERS command, and its flag to start after a given order
    OPEN_ORDERS_TOLD = 256
    BEHIND = 1
    # Smallest order-id table, in entries; and the size from which it may be half full: a smaller one is kept sparse,
    # since it stays in the cache of a core
    FEWEST_IDS = 32
    MANY_IDS = 131072
    # Remembered leaves of one side
    LEAF_CACHE = 64
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
    u64 quantity         # lots
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
    u32 zero4
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

# A resting order in the records of a book: 104 bytes, types.RESTING_ORDER.
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
    u8 zero
    u16 zero2
    u32 zero3
    i64 trigger_price    # this and the next four: 0 until orders can have them
    u64 display_quantity
    u64 hidden_quantity
    u64 expiry_ns
    u64 minimum_quantity

# The phase of an instrument in the records of a book: 8 bytes, types.INSTRUMENT_PHASE.
ctypedef packed struct InstrumentPhase:
    u32 instrument
    u8 phase
    u8 zero
    u16 zero2

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
    u16 zero
    u32 zero2

# An order in a public snapshot: 48 bytes, types.SNAPSHOT_ORDER.
ctypedef packed struct SnapshotOrder:
    u8 type
    u8 side
    u16 taking           # RESTS; for a taker MAY_REST or ONLY_TAKES
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
    u64 display          # 0: reserved for icebergs
    u64 reference        # public number: 1, 2, 3 ... in the order of acceptance, over all books
    u32 tag
    u8 time_in_force     # these four in the order of the command, two by two
    u8 self_trade        # its mode, 0 for the instrument's default
    u8 order_type
    u8 instructions

# All orders at one price of one side: 32 bytes. A free level stores the next free one in "head".
ctypedef struct Level:
    i64 key              # bid: price, ask: ~price, so that the largest is the best on both sides
    u64 quantity         # lots: the sum over its orders, below 2**64
    u32 head             # first in, first out
    u32 tail
    u32 count            # orders, at least 1
    u32 side

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

# An unfinished mass cancel, by owner: 32 bytes. Orders that join the list after it began come after "last".
ctypedef struct Walk:
    u64 order_id         # of the command, for its last report
    u64 cancelled        # orders, so far
    u32 instrument       # of the orders that it cancels, or ALL_INSTRUMENTS
    u32 next             # the next order to visit, NIL if none is left
    u32 last             # the last order to visit, unused if none is left
    u8 side              # 0 for both
    u8 reason            # of the cancelled reports
    u16 reserved         # 0

# An entry of an order-id table; empty if slot is NIL.
ctypedef struct IdEntry:
    u32 tag              # hash of the id; its place in the table follows from it
    u32 slot

# What a command ahead will look up: 16 bytes. Only for prefetching, so an entry may be out of date.
ctypedef struct Lookup:
    IdEntry *entry       # where its order id most likely is
    u32 slot             # what was there
    u32 level            # that a new order may join

# What a phase accepts, from pricetime.phases: 8 bytes.
ctypedef struct PhaseRule:
    u32 accepts          # bit i: commands of type i, of those about one order
    u16 matches          # 1: orders trade with those they cross
    u16 reason           # of the commands that it rejects

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
    u8 older_rules       # 1: restored orders may be outside the band or above the limit
    PhaseRule rule       # of the phase
    u64 tick_size        # every price is a multiple
    u64 lot_size         # every quantity is a multiple
    i64 low_price        # ticks: the lowest price an order may have
    u64 band             # ticks from there to the highest: u64, so that a band may be all of i64
