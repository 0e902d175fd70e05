"""Enumerations, records, and the values that queries of a book return.

The numbers are part of the formats of command arrays, reports, the wire and the journal: add values, never renumber.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np


class Side(IntEnum):
    """Side of an order. 0 is not a side, so that a zeroed record is not a bid."""

    BID = 1
    ASK = 2


class TimeInForce(IntEnum):
    """Whether an order may trade at once, and whether its remainder may rest."""

    GTC = 0  #: trade with what it crosses; the remainder rests until it is cancelled
    IOC = 1  #: trade with what it crosses; the remainder is cancelled
    FOK = 2  #: trade the whole quantity at once, or nothing
    POST_ONLY = 3  #: rest without trading, or be rejected
    MARKET = 4  #: trade up to the end of the price band; the remainder is cancelled; its price is ignored


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
    MASS_CANCEL = (
        6  #: cancel the orders of ``owner``, on one instrument or ``ALL_INSTRUMENTS``, one side or 0 for both;
    )
    #: ``tag``: the most orders to visit before ``CONTINUE`` commands do the rest, 0 for all
    GATEWAY_REJECT = 7  #: makes a rejected report with the reason in ``flags``, for a gateway's own checks
    SET_STATE = 8  #: open or halt an instrument: ``flags`` is the ``InstrumentState``
    CONTINUE = 9  #: continue the unfinished mass cancel of ``owner``; ``tag`` as in ``MASS_CANCEL``
    OPEN_ORDERS = 10  #: report the orders of ``owner``; with 1 in ``flags`` those after the order id in ``quantity``


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
    STATE_CHANGED = 9  #: an instrument was opened or halted; ``quantity``: its ``InstrumentState``
    OPEN_ORDER = 10  #: one resting order of the answer to ``OPEN_ORDERS``; ``quantity``: lots open
    OPEN_ORDERS_END = 11  #: the end of that answer; ``quantity``: orders in it


class InstrumentState(IntEnum):
    """Whether an instrument accepts orders."""

    OPEN = 0
    HALTED = 1  #: only cancels and reduces are accepted


class Reason(IntEnum):
    """Reason of a rejected command (1 to 31) or of any other report (32 and up)."""

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
    MALFORMED = 18  #: a field that must be 0 is not
    INVALID_STATE = 19  #: not an ``InstrumentState``
    OWNER_ORDERS_FULL = 20  #: the owner has as many open orders as its limit allows
    QUANTITY_ABOVE_LIMIT = 21  #: more lots than the owner's limit
    PRICE_TOO_FAR = 22  #: farther from the best price than the owner's limit
    MASS_CANCEL_UNFINISHED = 24  #: an earlier mass cancel of this owner is unfinished
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


#: ``type`` of every report. It differs from every ``CommandType``, so the first byte identifies a record.
EXECUTION_REPORT = 16

#: Instrument of a mass cancel over all instruments.
ALL_INSTRUMENTS = 2**32 - 1

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

#: One order in a snapshot, 48 bytes: ``type`` is 54; price in ticks, open quantity in lots. ``taking`` is 0 for a
#: resting order. The command of at most one order is unfinished: 1 if its remainder may rest, 2 if it never rests.
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
    """Orders and lots that are ahead of an order at its price."""

    orders: int
    quantity: int  #: lots
