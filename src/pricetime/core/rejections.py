"""Why a call is rejected, in words: what is wrong, and what is allowed.

Malformed arguments and terms that contradict each other have raised before, with their own messages.
"""

from __future__ import annotations

import cython

from pricetime.errors import ERROR_OF_REASON
from pricetime.types import Phase

if not cython.compiled:  # the compiled form cimports them in rejections.pxd
    from pricetime.core.book import Books
    from pricetime.core.layout import *


#: Names of phases by number: a call runs no Python code while it is inside a book, and an enumeration would.
NAMES = {int(phase): phase.name for phase in Phase}


def refuse(books: Books, book: cython.pointer[Book], c: cython.pointer[Command], reason: u32) -> cython.int:
    """Raise the exception of a reason other than NONE."""
    if reason == NONE:
        return 0
    text = _of_instrument(book, c, reason)
    if text is None:
        text = _of_extension(book, c, reason)
    if text is None:
        text = _of_limits(books, book, c, reason)
    raise ERROR_OF_REASON[reason](text)


def _of_instrument(book: cython.pointer[Book], c: cython.pointer[Command], reason: u32) -> object:
    """A fault of the instrument, its phase or its orders; None if it is a different one."""
    if reason == INSTRUMENT_HALTED:
        return f"instrument {c.instrument} is halted: it accepts only cancels and reduces until it is opened"
    if reason == NOT_IN_PHASE:
        return f"instrument {c.instrument} does not accept this in phase {_name_of(book.phase)}"
    if reason == MUST_UNCROSS:
        return f"orders were collected: begin phase {_name_of(c.flags)} with uncross"
    if reason == PRICE_OUTSIDE_BAND:
        low = book.low_price
        return f"price {c.price} is outside the band: give one from {low} to {low + int(book.band)}"
    if reason == INVALID_PRICE:
        return f"price {c.price} would leave no price in the band: set the other end first"
    if reason == DUPLICATE_ORDER_ID:
        new_id = c.owner | (cython.cast(u64, c.tag) << 32) if c.type == REPLACE_ORDER_AS else c.order_id
        return f"order id {new_id} is in use: an order with it rests"
    if reason == UNKNOWN_ORDER:
        return f"no order {c.order_id} is resting: it was never added, or was filled or cancelled"
    if reason == WOULD_CROSS:
        return f"post-only order {c.order_id} at {c.price} would trade at once"
    return None


def _name_of(phase: u32) -> object:
    return NAMES.get(phase, phase)


def _of_extension(book: cython.pointer[Book], c: cython.pointer[Command], reason: u32) -> object:
    """A fault of the fields that few orders have; None if it is a different one."""
    tick = book.tick_size
    lot = book.lot_size
    ratio = book.venue.rule.iceberg_ratio
    if reason == INVALID_TRIGGER_PRICE:
        return f"a stop order has a trigger price, a multiple of the tick size {tick}, and no other order has one"
    if reason == INVALID_DISPLAY_QUANTITY:
        share = f", and at least 1/{ratio} of it" if ratio else ""
        return (
            f"the display quantity is at most the quantity {c.quantity}{share}, a multiple of the lot size {lot}, and "
            "of an order that rests at a price for more than an auction; a replace does not switch it on or off"
        )
    if reason == INVALID_MINIMUM_QUANTITY:
        return (
            f"the minimum quantity is at most the quantity {c.quantity}, a multiple of the lot size {lot}, and of a "
            "limit or market order that is neither FOK nor GFA and has no instructions"
        )
    if reason == INVALID_EXPIRY:
        return f"a GTD order has an expiry time after its timestamp {c.timestamp}, and no other order has one"
    if reason == INVALID_PROTECTION:
        return (
            f"protection is a multiple of the tick size {tick}, of a market or stop order that is not for one auction; "
            "a replace does not switch it on or off"
        )
    if reason == TRIGGERS_AT_ONCE:
        return "the price that triggers stop orders has reached the trigger price already: the venue rejects that"
    if reason == NO_REFERENCE_PRICE:
        return "the other side is empty: no best price to add the protection to"
    return None


def _of_limits(books: Books, book: cython.pointer[Book], c: cython.pointer[Command], reason: u32) -> object:
    """A limit of the owner or of the memory."""
    if reason == ORDERS_FULL:
        return f"all {book.count} order slots are in use: use a larger capacity"
    if reason == LEVELS_FULL:
        return f"all {books.level_capacity} levels are in use: use a larger level_capacity"
    if reason == REFRESHES_FULL:
        return f"all icebergs together may be refreshed {books.refresh_limit} times: use a larger refresh_limit"
    if reason == OWNER_ORDERS_FULL:
        return f"owner {c.owner} has as many open orders as its limit allows"
    if reason == QUANTITY_ABOVE_LIMIT:
        return f"quantity {c.quantity} is above its owner's limit"
    if reason == PRICE_TOO_FAR:
        return f"price {c.price} is farther from the best price than its owner's limit"
    return f"quantity {c.quantity} more at price {c.price} would add up to 2**64 or more"
