"""What the exchange says, as a person would."""

from __future__ import annotations

from ...types import Reason

#: Why a command was refused, or an order did not stay.
WHY: dict[int, str] = {
    Reason.UNKNOWN_COMMAND: "the exchange does not know this command",
    Reason.UNKNOWN_INSTRUMENT: "no such instrument",
    Reason.INVALID_SIDE: "neither a bid nor an ask",
    Reason.INVALID_TIME_IN_FORCE: "no such time in force",
    Reason.INVALID_SELF_TRADE: "no such self-trade mode",
    Reason.INVALID_QUANTITY: "the quantity is not a multiple of the lot size, or none at all",
    Reason.INVALID_PRICE: "the price is not a multiple of the tick size",
    Reason.DUPLICATE_ORDER_ID: "an order of this number rests already",
    Reason.UNKNOWN_ORDER: "it is not resting any more",
    Reason.WOULD_CROSS: "post only: it would have traded at once",
    Reason.ORDERS_FULL: "the book has no room for another order",
    Reason.LEVELS_FULL: "the book has no room for another price",
    Reason.LEVEL_QUANTITY_FULL: "more rests at this price than a level can hold",
    Reason.INVALID_ORDER_ID: "the order number is too large",
    Reason.PRICE_OUTSIDE_BAND: "the price is outside the band of this instrument",
    Reason.INSTRUMENT_HALTED: "the instrument is halted: only cancels are taken",
    Reason.THROTTLED: "more orders a second than the exchange allows: wait a moment",
    Reason.MALFORMED: "the order was not well-formed",
    Reason.INVALID_STATE: "no such state",
    Reason.OWNER_ORDERS_FULL: "this owner has as many open orders as it may: cancel some first",
    Reason.QUANTITY_ABOVE_LIMIT: "the quantity is larger than this owner may have in one order",
    Reason.PRICE_TOO_FAR: "the price is too far from the best price",
    Reason.MASS_CANCEL_UNFINISHED: "all orders are being cancelled already",
    Reason.IOC_REMAINDER: "the rest found no match",
    Reason.FOK_UNFILLABLE: "not all of it could be filled at once",
    Reason.MARKET_REMAINDER: "the rest found nobody on the other side",
    Reason.SELF_TRADE: "it met an order of its own owner",
    Reason.BY_MASS_CANCEL: "all orders were cancelled",
    Reason.BY_DISCONNECT: "the session ended",
    Reason.BY_OPERATOR: "the operator cancelled it",
}

#: Reasons that say nothing to a person.
SILENT = {Reason.NONE, Reason.KEPT_PLACE, Reason.AS_MAKER, Reason.UNFINISHED, Reason.NEVER_RESTS, Reason.MORE_FOLLOW}


def why(reason: int) -> str:
    """A reason in words; nothing when there is none to tell."""
    return WHY.get(reason, "" if reason in SILENT else f"reason {reason}")
