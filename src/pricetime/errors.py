"""Exceptions, one for each reason. Each message says what was given and what is allowed.

All derive from ``PricetimeError``. A call that raises has changed nothing.
"""

from __future__ import annotations

from .types import Reason


class PricetimeError(Exception):
    """Base class of all pricetime errors."""


class InvalidSide(PricetimeError, ValueError):
    """The side is neither ``Side.BID`` nor ``Side.ASK``."""


class InvalidOrderType(PricetimeError, ValueError):
    """The order type is not one of ``OrderType``."""


class InvalidTimeInForce(PricetimeError, ValueError):
    """The time in force is not one of ``TimeInForce``, or not one that an order of this type can have."""


class InvalidInstruction(PricetimeError, ValueError):
    """The instructions are unknown, or the order is post-only and never rests."""


class NotSupported(PricetimeError, ValueError):
    """This order type, time in force, instruction or extension has no rule yet."""


class InvalidSelfTrade(PricetimeError, ValueError):
    """The self-trade mode is not one of ``SelfTrade``."""


class InvalidQuantity(PricetimeError, ValueError):
    """The quantity is not a whole number of lots from 1 to 2**63 - 1."""


class InvalidPrice(PricetimeError, ValueError):
    """The price is not a whole number of ticks within i64."""


class InvalidOrderId(PricetimeError, ValueError):
    """The order id is not a whole number within u64."""


class InvalidOwner(PricetimeError, ValueError):
    """The owner is not a whole number within u32."""


class InvalidTimestamp(PricetimeError, ValueError):
    """The timestamp is not a whole number of nanoseconds within u64."""


class InvalidSetting(PricetimeError, ValueError):
    """A setting of a book, an engine or an instrument is out of its range."""


class InvalidPhase(PricetimeError, ValueError):
    """The phase is not one of ``Phase``."""


class PriceOutsideBand(PricetimeError, ValueError):
    """The price is below the instrument's ``low_price`` or above its ``high_price``."""


class InstrumentHalted(PricetimeError, RuntimeError):
    """The instrument is halted: only cancels and reduces are accepted."""


class DuplicateOrderId(PricetimeError, ValueError):
    """An order with this id rests. An id is free again when its order is gone."""


class UnknownOrder(PricetimeError, KeyError):
    """No order with this id rests (never added, filled or cancelled), or it has a different owner."""

    __str__ = PricetimeError.__str__  # KeyError would show the message in quotes


class UnknownInstrument(PricetimeError, KeyError):
    """The engine has no instrument with this id."""

    __str__ = PricetimeError.__str__


class WouldCross(PricetimeError, ValueError):
    """A post-only order, or the replacement of one, would have traded at once."""


class OrdersFull(PricetimeError):
    """All slots for resting orders are in use: make the book with a larger ``capacity``."""


class LevelsFull(PricetimeError):
    """All price levels are in use: make the book with a larger ``level_capacity``."""


class LevelQuantityFull(PricetimeError, OverflowError):
    """The quantities resting at one price would add up to 2**64 or more."""


class OwnerOrdersFull(PricetimeError):
    """The owner has as many open orders as its limit allows."""


class QuantityAboveLimit(PricetimeError, ValueError):
    """The order has more lots than its owner's limit allows."""


class PriceTooFar(PricetimeError, ValueError):
    """The price is farther from the best price than its owner's limit allows."""


class MassCancelUnfinished(PricetimeError, RuntimeError):
    """A mass cancel of this owner in parts is unfinished: finish it with ``CommandType.CONTINUE``."""


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


class InvalidCommands(PricetimeError, TypeError):
    """The array given to ``apply`` is not contiguous, one-dimensional and of dtype ``pricetime.COMMAND``."""


class InvalidRecords(PricetimeError, TypeError):
    """The argument of ``Engine.restore`` is not ``BookRecords`` of contiguous arrays with their dtypes."""


class InvalidReports(PricetimeError, TypeError):
    """The array is not contiguous, one-dimensional and of dtype ``pricetime.REPORT``."""


class ReportMismatch(PricetimeError, ValueError):
    """A report does not fit the rebuilt books: a report was missed. ``seq_num`` is the number of this one."""

    def __init__(self, message: str, seq_num: int = 0) -> None:
        super().__init__(message)
        self.seq_num = seq_num  #: number of the report


class SnapshotMismatch(PricetimeError, ValueError):
    """A snapshot contradicts itself: an order twice, an unknown instrument, a wrong digest."""


class ReadOnlyBook(PricetimeError, TypeError):
    """The book is rebuilt from reports and accepts no commands."""


class BookBusy(PricetimeError, RuntimeError):
    """A second call while one is inside this book. A book serves one call at a time."""


class InvalidRing(PricetimeError, ValueError):
    """The buffer holds no ring, a damaged one or one of an unknown version, or is too small for one."""


class InvalidMessage(PricetimeError, ValueError):
    """A value does not fit a slot of the ring, or the slot holds no message."""


class RingClosed(PricetimeError, EOFError):
    """The ring is closed: nothing can be put, and everything in it was read."""


class RingTimeout(PricetimeError, TimeoutError):
    """The ring stayed full or empty for the whole timeout."""


class RingBusy(PricetimeError, RuntimeError):
    """A second call on the same side of this ring. One thread puts and one gets."""


class ExchangeBusy(PricetimeError, RuntimeError):
    """The exchange could not acknowledge commands when this one came, so it did not execute it. Send it again later."""


class FeedUnavailable(PricetimeError, OSError):
    """The feed cannot be joined: the group, the port or the interface is wrong or in use."""


class SmallReceiveBuffer(RuntimeWarning):
    """The system grants a smaller socket buffer than requested, so a slow subscriber may lose reports."""


class NeedsCompiled(PricetimeError, ImportError):
    """This part of pricetime exists only compiled, and the pure form runs."""


class PureForm(RuntimeWarning):
    """pricetime runs uncompiled: the results are identical, about a hundred times slower."""


#: The exception that a Python call raises for the reason of a rejected report.
ERROR_OF_REASON: dict[Reason, type[PricetimeError]] = {
    Reason.UNKNOWN_INSTRUMENT: UnknownInstrument,
    Reason.INVALID_SIDE: InvalidSide,
    Reason.INVALID_ORDER_TYPE: InvalidOrderType,
    Reason.INVALID_TIME_IN_FORCE: InvalidTimeInForce,
    Reason.INVALID_INSTRUCTION: InvalidInstruction,
    Reason.NOT_SUPPORTED: NotSupported,
    Reason.INVALID_SELF_TRADE: InvalidSelfTrade,
    Reason.INVALID_QUANTITY: InvalidQuantity,
    Reason.INVALID_PRICE: InvalidPrice,
    Reason.DUPLICATE_ORDER_ID: DuplicateOrderId,
    Reason.UNKNOWN_ORDER: UnknownOrder,
    Reason.WOULD_CROSS: WouldCross,
    Reason.ORDERS_FULL: OrdersFull,
    Reason.LEVELS_FULL: LevelsFull,
    Reason.LEVEL_QUANTITY_FULL: LevelQuantityFull,
    Reason.INVALID_ORDER_ID: InvalidOrderId,
    Reason.PRICE_OUTSIDE_BAND: PriceOutsideBand,
    Reason.INSTRUMENT_HALTED: InstrumentHalted,
    Reason.INVALID_PHASE: InvalidPhase,
    Reason.OWNER_ORDERS_FULL: OwnerOrdersFull,
    Reason.QUANTITY_ABOVE_LIMIT: QuantityAboveLimit,
    Reason.PRICE_TOO_FAR: PriceTooFar,
    Reason.MASS_CANCEL_UNFINISHED: MassCancelUnfinished,
    Reason.INVALID_TRIGGER_PRICE: InvalidTriggerPrice,
    Reason.INVALID_DISPLAY_QUANTITY: InvalidDisplayQuantity,
    Reason.INVALID_EXPIRY: InvalidExpiry,
    Reason.INVALID_MINIMUM_QUANTITY: InvalidMinimumQuantity,
    Reason.NOT_IN_PHASE: NotInPhase,
    Reason.INVALID_PROTECTION: InvalidProtection,
    Reason.TRIGGERS_AT_ONCE: TriggersAtOnce,
    Reason.NO_REFERENCE_PRICE: NoReferencePrice,
    Reason.MUST_UNCROSS: MustUncross,
    Reason.REFRESHES_FULL: RefreshesFull,
    Reason.BUSY: ExchangeBusy,
}

#: The reverse.
REASON_OF_ERROR: dict[type[PricetimeError], Reason] = {error: reason for reason, error in ERROR_OF_REASON.items()}
