"""The vocabulary: enumerations, records and what the books hand back.

Every number here is part of a format: the same values stand in command arrays, in reports, on the
wire and in the journal. Add values, never renumber.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np


class Side(IntEnum):
    """Which side of the book an order is on. 0 is no side, so that a zeroed record is not a bid."""

    BID = 1
    ASK = 2


class TimeInForce(IntEnum):
    """How long an order may stay, and whether it may take or rest at all."""

    GTC = 0  #: trade what crosses, rest the remainder until it is cancelled
    IOC = 1  #: trade what crosses, cancel the remainder
    FOK = 2  #: trade the whole quantity at once, or nothing
    POST_ONLY = 3  #: rest without trading, or be rejected
    MARKET = 4  #: trade up to the end of the price band, cancel the remainder; the price given is ignored


class SelfTrade(IntEnum):
    """What happens when an incoming order meets a resting order of the same owner.

    The incoming order decides. Owner 0 is nobody in particular and never triggers it.
    """

    OFF = 1  #: they trade
    CANCEL_NEWEST = 2  #: the incoming remainder is cancelled
    CANCEL_OLDEST = 3  #: the resting order is cancelled, matching goes on
    CANCEL_BOTH = 4  #: the resting order and the incoming remainder are cancelled
    DECREMENT = 5  #: the smaller is cancelled, the larger reduced by its size; equal: both cancelled
    CANCEL_SMALLER = 6  #: the smaller is cancelled, the larger stays whole; equal: the resting one


class ReplacePolicy(IntEnum):
    """When a replaced order keeps its place in the queue."""

    KEEP_IF_NOT_LARGER = 0  #: same price and no larger quantity: it keeps its place
    ALWAYS_LOSE = 1  #: every replace goes to the back of its level


class CommandType(IntEnum):
    """What a command asks for: the first byte of its body."""

    NEW_ORDER = 1
    CANCEL_ORDER = 2
    REPLACE_ORDER = 3
    REDUCE_ORDER = 4
    REPLACE_ORDER_AS = 5  #: a replace under a new id, carried by ``owner`` (low half) and ``tag`` (high)
    MASS_CANCEL = 6  #: the orders of ``owner``: of one instrument or ``ALL_INSTRUMENTS``, of one side or 0 for both;
    #: ``tag``: the most orders that it looks at before it leaves the rest to ``CONTINUE``, 0 for no limit
    GATEWAY_REJECT = 7  #: what a gateway refuses: makes the rejected report whose reason stands in ``flags``
    SET_STATE = 8  #: open or halt an instrument: the ``InstrumentState`` stands in ``flags``
    CONTINUE = 9  #: go on with the unfinished mass cancel of ``owner``; ``tag`` as in ``MASS_CANCEL``
    OPEN_ORDERS = (
        10  #: tell the orders of ``owner``: with 1 in ``flags`` those behind the one with the id in ``quantity``
    )


class PassiveAction(IntEnum):
    """What an exchange tells of one order: see ``PassiveBook.apply``."""

    ADD = 1
    EXECUTE = 2  #: lots of it traded
    REDUCE = 3  #: lots of it were cancelled
    CANCEL = 4  #: all of it was
    REPLACE = 5  #: it has another price, quantity or id


class ReportKind(IntEnum):
    """What a report says happened."""

    ACCEPTED = 1
    TRADE = 2
    CANCELLED = 3
    REPLACED = 4
    REDUCED = 5
    EXPIRED = 6
    REJECTED = 7
    MASS_CANCELLED = 8  #: a mass cancel is done, or a part of it; ``quantity``: how many orders it has cancelled so far
    STATE_CHANGED = 9  #: an instrument was opened or halted; ``quantity``: its ``InstrumentState``
    OPEN_ORDER = 10  #: an order rests: the answer to who asked for its own orders; ``quantity``: what is open of it
    OPEN_ORDERS_END = 11  #: the last report of that answer; ``quantity``: how many orders it has told


class InstrumentState(IntEnum):
    """Whether an instrument takes orders."""

    OPEN = 0
    HALTED = 1  #: orders may be cancelled and reduced, nothing else


class Reason(IntEnum):
    """Why: of a rejected command (1 to 31), or of another report (32 and up)."""

    NONE = 0
    UNKNOWN_COMMAND = 1
    UNKNOWN_INSTRUMENT = 2
    INVALID_SIDE = 3
    INVALID_TIME_IN_FORCE = 4
    INVALID_SELF_TRADE = 5
    INVALID_QUANTITY = 6
    INVALID_PRICE = 7
    DUPLICATE_ORDER_ID = 8
    UNKNOWN_ORDER = 9  #: not resting, or not this owner's: the two look alike on purpose
    WOULD_CROSS = 10  #: post-only
    ORDERS_FULL = 11
    LEVELS_FULL = 12
    LEVEL_QUANTITY_FULL = 13  #: the quantities of one level must add up to less than 2**64
    INVALID_ORDER_ID = 14  #: over a session: not below 2**48
    PRICE_OUTSIDE_BAND = 15
    INSTRUMENT_HALTED = 16
    THROTTLED = 17  #: more orders than the session is allowed
    MALFORMED = 18  #: a field that must be 0 is not
    INVALID_STATE = 19  #: not an ``InstrumentState``
    OWNER_ORDERS_FULL = 20  #: the owner has as many open orders as it may have
    QUANTITY_ABOVE_LIMIT = 21  #: more lots than the owner may have in one order
    PRICE_TOO_FAR = 22  #: farther from the market than the owner's orders may be
    MASS_CANCEL_UNFINISHED = 24  #: another mass cancel of this owner has not ended
    IOC_REMAINDER = 32
    FOK_UNFILLABLE = 33
    MARKET_REMAINDER = 34
    SELF_TRADE = 35
    KEPT_PLACE = 36  #: of a replaced report: the order did not move in its queue
    BY_MASS_CANCEL = 37
    BY_DISCONNECT = 38  #: the owner's session ended
    AS_MAKER = 39  #: of a trade in a session's own stream: its order was the resting one
    BY_OPERATOR = 40  #: the operator of the exchange cancelled it
    UNFINISHED = 41  #: of a mass cancelled report: a ``CONTINUE`` cancels the rest
    NEVER_RESTS = 42  #: of an accepted order: what it does not trade is cancelled, so it never rests
    MORE_FOLLOW = 43  #: of the end of an answer: the owner has more orders, behind the last one told


#: ``type`` of every report, beside the command types so that the first byte of a record tells them apart.
EXECUTION_REPORT = 16

#: The instrument of a mass cancel over all instruments.
ALL_INSTRUMENTS = 2**32 - 1

#: Orders that one OPEN_ORDERS command tells of at most.
OPEN_ORDERS_TOLD = 256

#: Largest quantity of one order.
MAX_QUANTITY = 2**63 - 1

#: Bits 0 to 2 of a command's ``flags``: the self-trade mode, 0 for the instrument's default.
SELF_TRADE_MASK = 7

#: One command, 64 bytes: what a gateway adds (sequence, timestamp in ns, session), then the 40 bytes of the order.
COMMAND = np.dtype(
    [
        ("sequence", "<u8"),
        ("timestamp", "<u8"),
        ("session", "<u4"),
        ("length", "<u2"),
        ("reserved", "<u2"),
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

#: One report, 48 bytes. ``price`` in ticks; ``quantity`` in lots: of an accepted or replaced order its whole
#: open quantity, of every other kind what this report takes away from the order (and of a trade from its maker).
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

#: One order in a snapshot, 48 bytes: ``type`` is 54; price in ticks, quantity in lots still open. ``taking`` is 0 of an
#: order that rests. At most one order's command goes on: 1 if what it leaves may rest, 2 if it never rests.
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

#: What became of one action on a ``PassiveBook``, 2 bytes: a ``Reason``, NONE when it was done; and, of an execute, was
#: its order the first at the best price?
PASSIVE_RESULT = np.dtype([("reason", "u1"), ("first", "?")])

#: One price level as ``depth`` gives it: ticks, lots, number of orders.
DEPTH = np.dtype([("price", "<i8"), ("quantity", "<u8"), ("count", "<u4")])


# Arrays of these records, of shape (n,). To a type checker every record is ``np.void``; the names say which one it is.

CommandArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``COMMAND``
ReportArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``REPORT``
DepthArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``DEPTH``
SnapshotOrderArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``SNAPSHOT_ORDER``
PassiveResultArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]  #: dtype ``PASSIVE_RESULT``


class Order(NamedTuple):
    """One resting order."""

    id: int
    side: Side
    price: int  #: ticks
    quantity: int  #: lots still open
    timestamp: int = 0  #: ns, as given when it was added
    owner: int = 0


class QueuePosition(NamedTuple):
    """What must trade or go before an order is next at its price."""

    orders: int
    quantity: int  #: lots
