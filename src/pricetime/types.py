"""Enumerations, records, and the values that queries of a book return.

The numbers are part of the formats of command arrays, reports, the wire and the journal: add values, never renumber.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any, NamedTuple, TypeAlias

import numpy as np


class Side(IntEnum):
    """Side of an order. 0 is not a side, so that a zeroed record is not a bid."""

    BID = 1
    ASK = 2


class OrderType(IntEnum):
    """What the price of an order means."""

    LIMIT = 0  #: trade at the price or better
    MARKET = 1  #: trade up to the end of the price band and never rest; its price is ignored
    MARKET_TO_LIMIT = 2  #: trade at the best price; the remainder rests at that price
    STOP = 3  #: a market order once a trade reaches the trigger price
    STOP_LIMIT = 4  #: a limit order once a trade reaches the trigger price


#: Order types that name no price: one that is given is ignored.
UNPRICED = (OrderType.MARKET, OrderType.MARKET_TO_LIMIT, OrderType.STOP)

#: Order types that wait for a trigger price.
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


class TimeInForce(IntEnum):
    """How long an order may rest."""

    GTC = 0  #: the remainder rests until it is cancelled
    DAY = 1  #: the remainder rests until the end of the day
    GTD = 2  #: the remainder rests until its expiry time
    IOC = 3  #: trade with what it crosses; the remainder is cancelled
    FOK = 4  #: trade the whole quantity at once, or nothing
    GFA = 5  #: good for auction: trade in the auction of this call phase; the remainder is cancelled


class Instruction(IntFlag):
    """Instructions of an order."""

    POST_ONLY = 1  #: rest without trading, or be rejected
    AT_THE_OPEN = 2  #: take part in the opening auction only
    AT_THE_CLOSE = 4  #: take part in the closing auction only
    ALL_OR_NONE = 8  #: trade whole or not at all; while it waits the market does not see it
    EXTENDED = 128  #: an ``ORDER_EXTENSION`` record follows and holds more fields of the order


class SelfTrade(IntEnum):
    """What happens when an incoming order meets a resting order of the same owner.

    The mode of the incoming order applies. Owner 0 means no owner: such orders always trade.
    """

    OFF = 1  #: they trade
    CANCEL_NEWEST = 2  #: the incoming remainder is cancelled
    CANCEL_OLDEST = 3  #: the resting order is cancelled, matching continues
    CANCEL_BOTH = 4  #: the resting order and the incoming remainder are cancelled
    DECREMENT = 5  #: the smaller is cancelled, the larger reduced by its size; equal: both cancelled
    CANCEL_SMALLER = 6  #: the smaller is cancelled, the larger is unchanged; equal: the resting one


class ReplacePolicy(IntEnum):
    """Whether a replaced order keeps its place in the queue."""

    KEEP_IF_NOT_LARGER = 0  #: it does at the same price with no larger quantity
    ALWAYS_LOSE = 1  #: it never does: it goes to the back of its level


class CommandType(IntEnum):
    """Type of a command: the first byte of its body."""

    NEW_ORDER = 1
    CANCEL_ORDER = 2
    REPLACE_ORDER = 3
    REDUCE_ORDER = 4
    REPLACE_ORDER_AS = 5  #: replace under a new id: ``owner`` holds its low 32 bits, ``tag`` the high 32 bits
    #: cancel the orders of ``owner``, on one instrument or ``ALL_INSTRUMENTS``, one side or 0 for both; ``tag``: the
    #: most orders to visit before ``CONTINUE`` commands do the rest, 0 for all; ``quantity``: bits, 1 <<
    #: ``TimeInForce``, of the orders that it keeps
    MASS_CANCEL = 6
    GATEWAY_REJECT = 7  #: makes a rejected report with the reason in ``flags``, for a gateway's own checks
    #: change the phase of an instrument: ``flags`` is the ``Phase``; ``quantity``: when its row of a schedule was due,
    #: ns, 0 without
    SET_PHASE = 8
    CONTINUE = 9  #: continue the unfinished mass cancel of ``owner``; ``tag`` as in ``MASS_CANCEL``
    OPEN_ORDERS = 10  #: report the orders of ``owner``; with 1 in ``flags`` those after the order id in ``quantity``
    ORDER_EXTENSION = 11  #: more fields of the order in the command before it, which has EXTENDED
    UNCROSS = 12  #: end a call phase with its auction: ``flags`` is the phase that begins; ``quantity`` as of SET_PHASE
    INDICATE = 13  #: report where the auction would trade now
    EXPIRE = 14  #: cancel what expired by the time in ``quantity`` (ns); ``tag``: the most orders, 0 for all
    SET_PRICE = 15  #: set one price of the instrument: ``flags`` is the ``PriceKind``


class PriceKind(IntEnum):
    """A price that a command can set."""

    REFERENCE = 1  #: of auctions and of the static range
    LAST = 2  #: the last trade, of the dynamic range and of stops
    LOW = 3  #: the lowest price of new orders
    HIGH = 4  #: the highest price of new orders


class PassiveAction(IntEnum):
    """What an exchange says about one order: see ``PassiveBook.apply``."""

    ADD = 1
    EXECUTE = 2  #: lots of it traded
    REDUCE = 3  #: lots of it were cancelled
    CANCEL = 4  #: it was cancelled
    REPLACE = 5  #: it has a new price, quantity or id


class ReportKind(IntEnum):
    """What happened."""

    ACCEPTED = 1
    TRADE = 2
    CANCELLED = 3
    REPLACED = 4
    REDUCED = 5
    EXPIRED = 6
    REJECTED = 7
    MASS_CANCELLED = 8  #: a mass cancel or a part of it is done; ``quantity``: orders cancelled so far
    PHASE_CHANGED = 9  #: an instrument has a new phase; ``quantity``: the ``Phase``
    OPEN_ORDER = 10  #: one resting order of the answer to ``OPEN_ORDERS``; ``quantity``: lots open
    OPEN_ORDERS_END = 11  #: the end of that answer; ``quantity``: orders in it
    TRIGGERED = 12  #: a waiting order enters the market; the public feed learns of it only now, as of an accepted one
    REFRESHED = 13  #: an iceberg begins a slice of ``quantity`` lots, as a new order would
    INDICATIVE = 14  #: where the auction would trade: ``quantity`` lots, surplus in ``maker_id``, on ``side``
    UNCROSSED = 15  #: where the auction trades, with the same fields
    AUCTION_TRADE = 16  #: ``order_id`` is the buyer, ``maker_id`` the seller, and both lose ``quantity``
    EXPIRY_DONE = 17  #: an expiry or a part of it is done; ``quantity``: orders that this part expired
    PRICE_SET = 18  #: one price of the instrument is set; ``quantity``: the ``PriceKind``
    HIDDEN = 19  #: private: ``quantity`` lots of the iceberg that was replaced are hidden now


class Phase(IntEnum):
    """What an instrument accepts now, and whether its orders match: see ``pricetime.phases``."""

    CONTINUOUS = 0  #: it accepts every command, and orders match
    HALTED = 1  #: it accepts only cancels and reduces
    CLOSED = 2  #: only cancels and reduces; orders for the day expire
    PRE_OPEN = 3  #: orders are collected
    OPENING_AUCTION = 4  #: the same, and orders at the open join
    VOLATILITY_AUCTION = 5  #: orders are collected after a trade would have been outside a price range
    CLOSING_AUCTION = 6  #: orders are collected, and orders at the close join


class Reason(IntEnum):
    """Reason of a rejected command (1 to 31, and from 64 on) or of any other report (32 to 63)."""

    NONE = 0
    UNKNOWN_COMMAND = 1
    UNKNOWN_INSTRUMENT = 2
    INVALID_SIDE = 3
    INVALID_TIME_IN_FORCE = 4
    INVALID_SELF_TRADE = 5
    INVALID_QUANTITY = 6
    INVALID_PRICE = 7
    DUPLICATE_ORDER_ID = 8
    UNKNOWN_ORDER = 9  #: not resting, or a different owner's: not distinguished on purpose
    WOULD_CROSS = 10  #: post-only
    ORDERS_FULL = 11
    LEVELS_FULL = 12
    LEVEL_QUANTITY_FULL = 13  #: the quantities of one level must add up to less than 2**64
    INVALID_ORDER_ID = 14  #: in a session: not below 2**48
    PRICE_OUTSIDE_BAND = 15
    INSTRUMENT_HALTED = 16
    THROTTLED = 17  #: more orders than the session may send
    MALFORMED = 18  #: a field that must be 0 is not; an extended order without extension, or the reverse
    INVALID_PHASE = 19  #: not a ``Phase``
    OWNER_ORDERS_FULL = 20  #: the owner has as many open orders as its limit allows
    QUANTITY_ABOVE_LIMIT = 21  #: more lots than the owner's limit
    PRICE_TOO_FAR = 22  #: farther from the best price than the owner's limit
    INVALID_TRIGGER_PRICE = 23
    MASS_CANCEL_UNFINISHED = 24  #: an earlier mass cancel of this owner is unfinished
    INVALID_ORDER_TYPE = 25
    INVALID_INSTRUCTION = 26  #: an unknown one, or post-only in an order that never rests
    NOT_SUPPORTED = 27  #: an order type, time in force or instruction that the venue does not accept
    INVALID_DISPLAY_QUANTITY = 28
    INVALID_EXPIRY = 29
    INVALID_MINIMUM_QUANTITY = 30
    NOT_IN_PHASE = 31  #: not in this phase of the instrument
    IOC_REMAINDER = 32
    FOK_UNFILLABLE = 33
    MARKET_REMAINDER = 34
    SELF_TRADE = 35
    KEPT_PLACE = 36  #: the replaced order kept its place in the queue
    BY_MASS_CANCEL = 37
    BY_DISCONNECT = 38  #: the owner's session ended
    AS_MAKER = 39  #: in a session's own stream: its order was the resting one
    BY_OPERATOR = 40  #: the operator of the exchange cancelled it
    UNFINISHED = 41  #: a ``CONTINUE`` cancels the rest
    NEVER_RESTS = 42  #: the accepted order is IOC, FOK or market: its remainder is cancelled
    MORE_FOLLOW = 43  #: the owner has more orders, after the last one of this answer
    WAITS = 44  #: private: the order waits for its trigger price or its auction
    AT_MARKET = 45  #: it has no price and no level, and rests until the auction
    PRICED = 46  #: the remainder of a market-to-limit order rests at the auction price
    AUCTION_REMAINDER = 47  #: it was for this auction only
    MINIMUM_UNFILLABLE = 48  #: fewer lots than its minimum quantity could trade
    OUTSIDE_RANGE = 49  #: it would have traded outside a price range
    NO_AUCTION_PRICE = 50  #: no two orders can trade
    EXPIRY_REACHED = 51  #: its expiry time was reached
    DAY_ENDED = 52
    TRADED_MORE = 53  #: it had traded the whole quantity that a replace gave it
    INVALID_PROTECTION = 64
    TRIGGERS_AT_ONCE = 65  #: the last trade is beyond its trigger price
    NO_REFERENCE_PRICE = 66  #: its price depends on the best price of an empty side
    MUST_UNCROSS = 67  #: orders were collected: UNCROSS begins the next phase in which orders match
    REFRESHES_FULL = 68  #: icebergs could be refreshed more often than ``refresh_limit`` allows
    BUSY = 69  #: in a session: the exchange cannot acknowledge commands at present


#: ``type`` of every report. It differs from every ``CommandType``, so the first byte identifies a record.
EXECUTION_REPORT = 16

#: Instrument of a mass cancel over all instruments.
ALL_INSTRUMENTS = 2**32 - 1

#: The ``quantity`` of a mass cancel that keeps GTC and GTD orders.
GTC_AND_GTD = 1 << TimeInForce.GTC | 1 << TimeInForce.GTD

#: Most orders in the answer to one OPEN_ORDERS command.
OPEN_ORDERS_TOLD = 256

#: Largest quantity of one order.
MAX_QUANTITY = 2**63 - 1

#: Bits 0 to 2 of a command's ``flags``: the self-trade mode, 0 for the instrument's default.
SELF_TRADE_MASK = 7

#: One command, 64 bytes: 24 bytes that a gateway fills (sequence, timestamp in ns, session), then 40 of the order.
COMMAND = np.dtype(
    [
        ("sequence", "<u8"),
        ("timestamp", "<u8"),
        ("session", "<u4"),
        ("length", "<u2"),
        ("order_type", "u1"),
        ("instructions", "u1"),
        ("type", "u1"),
        ("side", "u1"),
        ("time_in_force", "u1"),
        ("flags", "u1"),
        ("instrument", "<u4"),
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("quantity", "<u8"),
        ("owner", "<u4"),
        ("tag", "<u4"),
    ]
)

#: More fields of the order in the command before it, 64 bytes, in an array of commands:
#: ``array.view(ORDER_EXTENSION)``. Price in ticks, quantities in lots; a field that the order does not use is 0.
ORDER_EXTENSION = np.dtype(
    [
        ("sequence", "<u8"),
        ("timestamp", "<u8"),
        ("session", "<u4"),
        ("length", "<u2"),
        ("zero", "<u2"),
        ("type", "u1"),
        ("zero2", "u1"),
        ("zero3", "<u2"),
        ("protection", "<u4"),
        ("trigger_price", "<i8"),
        ("display_quantity", "<u8"),
        ("expiry_ns", "<u8"),
        ("minimum_quantity", "<u8"),
    ]
)

#: One report, 48 bytes. ``price`` in ticks. ``quantity`` in lots: the whole open quantity of an accepted or replaced
#: order; for other kinds the lots that this report takes from the order (for a trade, from maker and taker).
REPORT = np.dtype(
    [
        ("type", "u1"),
        ("kind", "u1"),
        ("side", "u1"),
        ("reason", "u1"),
        ("instrument", "<u4"),
        ("seq_num", "<u8"),
        ("order_id", "<u8"),
        ("maker_id", "<u8"),
        ("price", "<i8"),
        ("quantity", "<u8"),
    ]
)

#: One resting or waiting order in ``BookRecords``, 112 bytes: everything that a book keeps of it. ``reference``: its
#: public number. ``entered``: its entry number; 0 for an order that needs none. ``place``: 0 at its level; see
#: ``layout.pxd``.
RESTING_ORDER = np.dtype(
    [
        ("timestamp", "<u8"),
        ("order_id", "<u8"),
        ("reference", "<u8"),
        ("price", "<i8"),
        ("remaining", "<u8"),
        ("owner", "<u4"),
        ("tag", "<u4"),
        ("instrument", "<u4"),
        ("side", "u1"),
        ("time_in_force", "u1"),
        ("self_trade", "u1"),
        ("order_type", "u1"),
        ("instructions", "u1"),
        ("place", "u1"),
        ("zero", "<u2"),
        ("protection", "<u4"),
        ("trigger_price", "<i8"),
        ("display_quantity", "<u8"),
        ("hidden_quantity", "<u8"),
        ("expiry_ns", "<u8"),
        ("filled", "<u8"),
        ("entered", "<u8"),
    ]
)

#: The state of one instrument in ``BookRecords`` besides its orders, 80 bytes. ``has``: bits, see ``layout.pxd``.
#: ``scheduled_ns``: the rows of its schedule up to this time are done; 0: none is.
INSTRUMENT_STATE = np.dtype(
    [
        ("instrument", "<u4"),
        ("phase", "u1"),
        ("has", "u1"),
        ("surplus_side", "u1"),
        ("zero", "u1"),
        ("entries", "<u8"),
        ("reference_price", "<i8"),
        ("last_price", "<i8"),
        ("low_price", "<i8"),
        ("high_price", "<i8"),
        ("scheduled_ns", "<u8"),
        ("auction_price", "<i8"),
        ("auction_quantity", "<u8"),
        ("surplus", "<u8"),
    ]
)

#: One unfinished mass cancel in ``BookRecords``, 40 bytes: its command, the orders ``cancelled`` so far, and where it
#: stands in the list of its owner's orders: after the ``older`` first ones, with ``waiting`` left to visit.
UNFINISHED_CANCEL = np.dtype(
    [
        ("order_id", "<u8"),
        ("cancelled", "<u8"),
        ("older", "<u4"),
        ("waiting", "<u4"),
        ("owner", "<u4"),
        ("instrument", "<u4"),
        ("side", "u1"),
        ("reason", "u1"),
        ("keeps", "u1"),
        ("zero", "u1"),
        ("zero2", "<u4"),
    ]
)

#: One order in a public snapshot, 48 bytes: ``type`` is 54; price in ticks, open quantity in lots. ``taking`` is 0 for
#: an order at a level, 3 for a market order of a call phase, which has no price. The command of at most one order is
#: unfinished: 1 if its remainder may rest, 2 if it never rests.
SNAPSHOT_ORDER = np.dtype(
    [
        ("type", "u1"),
        ("side", "u1"),
        ("taking", "<u2"),
        ("instrument", "<u4"),
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("quantity", "<u8"),
        ("zero", "<u8"),
        ("zero2", "<u8"),
    ]
)

#: Result of one action on a ``PassiveBook``, 2 bytes: a ``Reason``, NONE if it was done; and for an execute, whether
#: its order was the first at the best price.
PASSIVE_RESULT = np.dtype([("reason", "u1"), ("first", "?")])

#: One price level of ``depth``: ticks, lots, number of orders.
DEPTH = np.dtype([("price", "<i8"), ("quantity", "<u8"), ("count", "<u4")])


# Arrays of these records, of shape (n,). To a type checker every record is ``np.void``; the names say which one it is.

CommandArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``COMMAND``
RestingOrderArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``RESTING_ORDER``
InstrumentStateArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``INSTRUMENT_STATE``
UnfinishedArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``UNFINISHED_CANCEL``
ReportArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``REPORT``
DepthArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``DEPTH``
SnapshotOrderArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``SNAPSHOT_ORDER``
PassiveResultArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``PASSIVE_RESULT``


class BookRecords(NamedTuple):
    """The state of all books of an engine, as records: the result of ``Engine.dump`` and argument of ``restore``."""

    instruments: InstrumentStateArray  #: of every instrument, by id
    #: the resting orders: each after those ahead of it at its level and after the older ones of its owner
    resting: RestingOrderArray
    unfinished: UnfinishedArray  #: by owner


class Order(NamedTuple):
    """One resting order."""

    id: int
    side: Side
    price: int  #: ticks
    quantity: int  #: lots still open
    timestamp: int = 0  #: ns, as given when it was added
    owner: int = 0


class QueuePosition(NamedTuple):
    """Orders and lots that are ahead of an order at its price."""

    orders: int
    quantity: int  #: lots
