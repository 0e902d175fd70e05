"""Plain words for the reasons in reports, as the page shows them."""

from __future__ import annotations

from ..types import Reason

#: Why a command was rejected, or why an order left the book.
WHY: dict[int, str] = {
    Reason.UNKNOWN_COMMAND: "the exchange does not know this command",
    Reason.UNKNOWN_INSTRUMENT: "no such instrument",
    Reason.INVALID_SIDE: "the side is neither bid nor ask",
    Reason.INVALID_TIME_IN_FORCE: "no such time in force",
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
    Reason.THROTTLED: "too many orders a second: wait a moment",
    Reason.MALFORMED: "the order was malformed",
    Reason.INVALID_PHASE: "no such phase",
    Reason.OWNER_ORDERS_FULL: "this owner has as many open orders as it may have: cancel some first",
    Reason.QUANTITY_ABOVE_LIMIT: "the quantity is above this owner's limit for one order",
    Reason.PRICE_TOO_FAR: "the price is too far from the best price",
    Reason.MASS_CANCEL_UNFINISHED: "all orders are being cancelled already",
    Reason.INVALID_ORDER_TYPE: "no such order type",
    Reason.INVALID_INSTRUCTION: "post-only has no meaning for an order that never rests",
    Reason.NOT_SUPPORTED: "the exchange does not support this kind of order",
    Reason.IOC_REMAINDER: "no more orders to trade with at this price",
    Reason.FOK_UNFILLABLE: "the whole quantity could not trade at once",
    Reason.MARKET_REMAINDER: "no more orders to trade with",
    Reason.SELF_TRADE: "it would have traded with an order of the same owner",
    Reason.BY_MASS_CANCEL: "all orders were cancelled",
    Reason.BY_DISCONNECT: "the session ended",
    Reason.BY_OPERATOR: "the operator cancelled it",
}

#: Reasons that are not shown: they do not tell a person anything.
SILENT = {Reason.NONE, Reason.KEPT_PLACE, Reason.AS_MAKER, Reason.UNFINISHED, Reason.NEVER_RESTS, Reason.MORE_FOLLOW}


def why(reason: int) -> str:
    """A reason in words; empty if there is nothing to say."""
    return WHY.get(reason, "" if reason in SILENT else f"reason {reason}")
