"""Plain words for the reasons in reports, as the page shows them."""

from __future__ import annotations

from ..types import Reason

#: Why a command was rejected, or why an order left the book.
WHY: dict[int, str] = {
    Reason.UNKNOWN_COMMAND: "the exchange does not know this command",
    Reason.UNKNOWN_INSTRUMENT: "no such instrument",
    Reason.INVALID_SIDE: "the side is neither bid nor ask",
    Reason.INVALID_TIME_IN_FORCE: "an order of this type cannot have this time in force",
    Reason.INVALID_SELF_TRADE: "no such self-trade mode",
    Reason.INVALID_QUANTITY: "the quantity is 0 or not a multiple of the lot size",
    Reason.INVALID_PRICE: "the price is not a multiple of the tick size",
    Reason.DUPLICATE_ORDER_ID: "an order with this number is in the book already",
    Reason.UNKNOWN_ORDER: "the order is no longer in the book",
    Reason.WOULD_CROSS: "post-only: the order would have traded at once",
    Reason.ORDERS_FULL: "the book is full: it cannot hold more orders",
    Reason.LEVELS_FULL: "the book is full: it cannot hold more prices",
    Reason.LEVEL_QUANTITY_FULL: "the quantity at this price would be too large",
    Reason.INVALID_ORDER_ID: "the order number is too large",
    Reason.PRICE_OUTSIDE_BAND: "the price is outside the price band of this instrument",
    Reason.INSTRUMENT_HALTED: "the instrument is halted: only cancels are accepted",
    Reason.BUSY: "the exchange cannot acknowledge orders at present: try again later",
    Reason.THROTTLED: "too many orders a second: wait a moment",
    Reason.MALFORMED: "the order was malformed",
    Reason.INVALID_PHASE: "no such phase",
    Reason.OWNER_ORDERS_FULL: "this owner has as many open orders as it may have: cancel some first",
    Reason.QUANTITY_ABOVE_LIMIT: "the quantity is above this owner's limit for one order",
    Reason.PRICE_TOO_FAR: "the price is too far from the best price",
    Reason.MASS_CANCEL_UNFINISHED: "all orders are being cancelled already",
    Reason.INVALID_ORDER_TYPE: "no such order type",
    Reason.INVALID_INSTRUCTION: "an order of this type or time in force cannot have this instruction",
    Reason.NOT_SUPPORTED: "this instrument does not accept this order type, time in force or instruction",
    Reason.INVALID_TRIGGER_PRICE: "a stop order needs a trigger price that is a multiple of the tick size",
    Reason.INVALID_DISPLAY_QUANTITY: "the display quantity is above the quantity, too small a share of it, not a "
    "multiple of the lot size, or of an order that does not rest at a price",
    Reason.INVALID_EXPIRY: "the expiry time must be in the future",
    Reason.INVALID_MINIMUM_QUANTITY: "the minimum quantity is above the quantity, not a multiple of the lot size, or "
    "of an order that cannot have one",
    Reason.INVALID_PROTECTION: "the protection must be a multiple of the tick size, of a market or stop order",
    Reason.NOT_IN_PHASE: "the instrument does not accept this in its current phase",
    Reason.TRIGGERS_AT_ONCE: "the last trade has already reached the trigger price",
    Reason.NO_REFERENCE_PRICE: "the price of this order depends on the best price of the other side, which is empty",
    Reason.MUST_UNCROSS: "orders were collected: trading continues with an auction",
    Reason.REFRESHES_FULL: "the exchange cannot hold more icebergs with so small a display quantity",
    Reason.IOC_REMAINDER: "no more orders to trade with at this price",
    Reason.FOK_UNFILLABLE: "the whole quantity could not trade at once",
    Reason.MARKET_REMAINDER: "no more orders to trade with",
    Reason.SELF_TRADE: "it would have traded with an order of the same owner",
    Reason.BY_MASS_CANCEL: "all orders were cancelled",
    Reason.BY_DISCONNECT: "the session ended",
    Reason.BY_OPERATOR: "the operator cancelled it",
    Reason.AUCTION_REMAINDER: "it was for one auction, which is over",
    Reason.MINIMUM_UNFILLABLE: "its minimum quantity could not trade at once",
    Reason.OUTSIDE_RANGE: "it would have traded outside the price range",
    Reason.NO_AUCTION_PRICE: "no two orders could trade",
    Reason.EXPIRY_REACHED: "its expiry time was reached",
    Reason.DAY_ENDED: "the day has ended",
    Reason.TRADED_MORE: "it had already traded the whole new quantity",
    Reason.PRICED: "the remainder rests at the auction price",
}

#: Reasons that are not shown: they do not tell a person anything.
SILENT = {
    Reason.NONE, Reason.KEPT_PLACE, Reason.AS_MAKER, Reason.UNFINISHED, Reason.NEVER_RESTS, Reason.MORE_FOLLOW,
    Reason.WAITS, Reason.AT_MARKET,
}  # fmt: skip


def why(reason: int) -> str:
    """A reason in words; empty if there is nothing to say."""
    return WHY.get(reason, "" if reason in SILENT else f"reason {reason}")
