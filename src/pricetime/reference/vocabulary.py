"""The numbers, errors and phases of the venue rules, which the reference book knows before the core does.

Each enumeration continues the one of ``pricetime.types`` with the same name but for its *New*. When the core learns the
rules, the members move there, the errors to ``pricetime.errors`` and the table of phases to ``pricetime.phases``.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

from ..errors import ERROR_OF_REASON, PricetimeError
from ..types import CommandType, Instruction, Phase, Reason


class NewTimeInForce(IntEnum):
    """More values of ``TimeInForce``."""

    GFA = 5  #: good for auction: trade in the auction of this call phase; the remainder is cancelled


class NewInstruction(IntFlag):
    """More bits of ``Instruction``."""

    ALL_OR_NONE = 8  #: trade whole or not at all; while it waits the market does not see it


class NewPhase(IntEnum):
    """More values of ``Phase``. Orders are collected from PRE_OPEN on."""

    CLOSED = 2  #: only cancels and reduces; orders for the day expire
    PRE_OPEN = 3  #: orders are collected
    OPENING_AUCTION = 4  #: the same, and orders at the open join
    VOLATILITY_AUCTION = 5  #: orders are collected after a trade would have been outside a price range
    CLOSING_AUCTION = 6  #: orders are collected, and orders at the close join


class NewCommand(IntEnum):
    """More values of ``CommandType``. ``EXECUTION_REPORT`` is 16, so there is room for no more."""

    UNCROSS = 12  #: end a call phase with its auction: ``flags`` is the phase that begins
    INDICATE = 13  #: report where the auction would trade now
    EXPIRE = 14  #: cancel what expired by the time in ``quantity`` (ns); ``tag``: the most orders, 0 for all
    SET_PRICE = 15  #: set one price of the instrument: ``flags`` is the ``PriceKind``


class PriceKind(IntEnum):
    """A price that a command can set."""

    REFERENCE = 1  #: of auctions and of the static range
    LAST = 2  #: the last trade, of the dynamic range and of stops
    LOW = 3  #: the lowest price of new orders
    HIGH = 4  #: the highest price of new orders


class NewKind(IntEnum):
    """More values of ``ReportKind``."""

    TRIGGERED = 12  #: a waiting order enters the market; the public feed learns of it only now, as of an accepted one
    REFRESHED = 13  #: an iceberg begins a slice of ``quantity`` lots, as a new order would
    INDICATIVE = 14  #: where the auction would trade: ``quantity`` lots, surplus in ``maker_id``, on ``side``
    UNCROSSED = 15  #: where the auction trades, with the same fields
    AUCTION_TRADE = 16  #: ``order_id`` is the buyer, ``maker_id`` the seller, and both lose ``quantity``
    EXPIRY_DONE = 17  #: an expiry or a part of it is done; ``quantity``: orders that this part expired
    PRICE_SET = 18  #: one price of the instrument is set; ``quantity``: the ``PriceKind``
    HIDDEN = 19  #: private: ``quantity`` lots of the iceberg that was replaced are hidden now


class NewReason(IntEnum):
    """More values of ``Reason``: 23, 28 to 31 and from 64 on of a rejected command, 44 to 63 of any other report."""

    INVALID_TRIGGER_PRICE = 23
    INVALID_DISPLAY_QUANTITY = 28
    INVALID_EXPIRY = 29
    INVALID_MINIMUM_QUANTITY = 30
    NOT_IN_PHASE = 31  #: not in this phase of the instrument
    WAITS = 44  #: private: the order waits for its trigger price or its auction
    AT_MARKET = 45  #: it has no price and no level, and rests until the auction
    PRICED = 46  #: the remainder of a market-to-limit order rests at the auction price
    AUCTION_REMAINDER = 47  #: it was for this auction only
    MINIMUM_UNFILLABLE = 48  #: fewer lots than its minimum quantity could trade
    OUTSIDE_RANGE = 49  #: it would have traded outside a price range
    NO_AUCTION_PRICE = 50  #: no two orders can trade
    EXPIRED = 51  #: its expiry time was reached
    DAY_ENDED = 52
    TRADED_MORE = 53  #: it had traded the whole quantity that a replace gave it
    INVALID_PROTECTION = 64
    TRIGGERS_AT_ONCE = 65  #: the last trade is beyond its trigger price
    NO_REFERENCE_PRICE = 66  #: its price depends on the best price of an empty side
    MUST_UNCROSS = 67  #: orders were collected: UNCROSS begins the next phase in which orders match
    REFRESHES_FULL = 68  #: icebergs could be refreshed more often than ``refresh_limit`` allows


class InvalidTriggerPrice(PricetimeError, ValueError):
    """A stop order has no trigger price, any other order has one, or it is not a multiple of the tick."""


class InvalidDisplayQuantity(PricetimeError, ValueError):
    """The display quantity is above the quantity, below the venue's share of it, or of an order that never rests."""


class InvalidExpiry(PricetimeError, ValueError):
    """A GTD order has no expiry time or one in the past, or any other order has one."""


class InvalidMinimumQuantity(PricetimeError, ValueError):
    """The minimum quantity is above the quantity, or of an order that cannot have one."""


class InvalidProtection(PricetimeError, ValueError):
    """Protection points are not a multiple of the tick, or of an order that is neither market nor stop."""


class NotInPhase(PricetimeError, RuntimeError):
    """The instrument does not accept this command or this kind of order in its phase."""


class TriggersAtOnce(PricetimeError, ValueError):
    """The last trade is at or beyond the trigger price, and the venue rejects such stop orders."""


class NoReferencePrice(PricetimeError, RuntimeError):
    """A market order with protection needs a best price on the other side."""


class MustUncross(PricetimeError, RuntimeError):
    """Orders were collected: begin a phase in which orders match with an uncross."""


class RefreshesFull(PricetimeError):
    """All icebergs together could be refreshed more often than ``refresh_limit`` allows."""


#: The exception for each of the new reasons of a rejected command.
NEW_ERRORS: dict[int, type[PricetimeError]] = {
    NewReason.INVALID_TRIGGER_PRICE: InvalidTriggerPrice,
    NewReason.INVALID_DISPLAY_QUANTITY: InvalidDisplayQuantity,
    NewReason.INVALID_EXPIRY: InvalidExpiry,
    NewReason.INVALID_MINIMUM_QUANTITY: InvalidMinimumQuantity,
    NewReason.NOT_IN_PHASE: NotInPhase,
    NewReason.INVALID_PROTECTION: InvalidProtection,
    NewReason.TRIGGERS_AT_ONCE: TriggersAtOnce,
    NewReason.NO_REFERENCE_PRICE: NoReferencePrice,
    NewReason.MUST_UNCROSS: MustUncross,
    NewReason.REFRESHES_FULL: RefreshesFull,
}

#: The exception for every reason of a rejected command, and the reverse.
ERRORS: dict[int, type[PricetimeError]] = {
    **{int(reason): error for reason, error in ERROR_OF_REASON.items()},
    **NEW_ERRORS,
}
REASONS: dict[type[PricetimeError], int] = {error: reason for reason, error in ERRORS.items()}


class VenuePhase(NamedTuple):
    """One row of the table of phases: those of ``phases.PhaseRule``, and what a call phase is."""

    accepts: frozenset[int]
    matches: bool
    reason: int
    collects: bool = False  #: orders rest without matching, market orders too, until an uncross
    auction: Instruction | None = None  #: orders with this instruction join when the phase begins


_ALL = frozenset({CommandType.NEW_ORDER, CommandType.REPLACE_ORDER, CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER})
_LESS = frozenset({CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER})

VENUE_PHASES: dict[int, VenuePhase] = {
    Phase.CONTINUOUS: VenuePhase(_ALL, True, Reason.NONE),
    Phase.HALTED: VenuePhase(_LESS, False, Reason.INSTRUMENT_HALTED),
    NewPhase.CLOSED: VenuePhase(_LESS, False, NewReason.NOT_IN_PHASE),
    NewPhase.PRE_OPEN: VenuePhase(_ALL, False, Reason.NONE, True),
    NewPhase.OPENING_AUCTION: VenuePhase(_ALL, False, Reason.NONE, True, Instruction.AT_THE_OPEN),
    NewPhase.VOLATILITY_AUCTION: VenuePhase(_ALL, False, Reason.NONE, True),
    NewPhase.CLOSING_AUCTION: VenuePhase(_ALL, False, Reason.NONE, True, Instruction.AT_THE_CLOSE),
}
