"""The commands of a client as the bytes of their messages, from the arguments that the book's own methods take.

Compiled, because a client makes one for each command. All functions raise the errors of the method of ``OrderBook``
that has the same name, for arguments that cannot be.
"""

from __future__ import annotations

import cython

from pricetime.checks import whole
from pricetime.core.instrument import MAX_INSTRUMENTS
from pricetime.errors import (
    InvalidDisplayQuantity,
    InvalidMinimumQuantity,
    InvalidOrderId,
    InvalidSetting,
    UnknownInstrument,
)
from pricetime.wire import messages
from pricetime.wire.types import ORDER_ID_BITS

if not cython.compiled:  # the compiled form has them from commands.pxd
    from pricetime.core.arguments import (
        expiry_of,
        instructions_of,
        order_type_of,
        part_of,
        price_of,
        protection_of,
        quantity_of,
        self_trade_of,
        side_of,
        time_in_force_of,
        trigger_price_of,
    )
    from pricetime.core.layout import *
    from pricetime.native.numbers import as_u64

MOST_ORDER_ID, MOST_INSTRUMENT, MOST_TAG = (1 << ORDER_ID_BITS) - 1, MAX_INSTRUMENTS - 1, (1 << 32) - 1

_NEW_ORDER = messages.NewOrder._pack
_ORDER_EXTENSION = messages.OrderExtension._pack
_CANCEL_ORDER = messages.CancelOrder._pack
_REDUCE_ORDER = messages.ReduceOrder._pack
_REPLACE_ORDER = messages.ReplaceOrder._pack
_MASS_CANCEL = messages.MassCancel._pack


def new_order(
    order_id, side, price, quantity, instrument, order_type, time_in_force, instructions, self_trade, tag,
    trigger_price, display_quantity, expiry_ns, minimum_quantity, protection,
):  # fmt: skip
    """Enter an order. ``self_trade``: None for the mode of the instrument. If one of the last five is not None, the
    extension of the order follows it.
    """
    kind: u32 = order_type_of(order_type)
    extended: cython.bint = (
        trigger_price is not None
        or display_quantity is not None
        or expiry_ns is not None
        or minimum_quantity is not None
        or protection is not None
    )
    order = _NEW_ORDER(
        NEW_ORDER,
        side_of(side),
        time_in_force_of(time_in_force),
        0 if self_trade is None else self_trade_of(self_trade),
        instrument_of(instrument),
        order_id_of(order_id),
        price_of(price) if kind == LIMIT or kind == STOP_LIMIT else 0,
        quantity_of(quantity),
        kind,
        (instructions_of(instructions) if instructions else 0) | (EXTENDED if extended else 0),
        0,
        number_of(tag, MOST_TAG, InvalidSetting, "tag"),
    )
    if not extended:
        return order
    return order + order_extension(trigger_price, display_quantity, expiry_ns, minimum_quantity, protection)


def order_extension(trigger_price, display_quantity, expiry_ns, minimum_quantity, protection):
    """More fields of an order. Those that are None are 0: the order does not have them."""
    return _ORDER_EXTENSION(
        ORDER_EXTENSION,
        0,
        0,
        0 if protection is None else protection_of(protection),
        0 if trigger_price is None else trigger_price_of(trigger_price),
        0 if display_quantity is None else part_of(display_quantity, InvalidDisplayQuantity, "display quantity"),
        0 if expiry_ns is None else expiry_of(expiry_ns),
        0 if minimum_quantity is None else part_of(minimum_quantity, InvalidMinimumQuantity, "minimum quantity"),
    )


def cancel_order(order_id, instrument):
    """Take an order out of the book."""
    return _CANCEL_ORDER(CANCEL_ORDER, 0, 0, instrument_of(instrument), order_id_of(order_id))


def reduce_order(order_id, by, instrument):
    """Take lots off an order."""
    return _REDUCE_ORDER(REDUCE_ORDER, 0, 0, instrument_of(instrument), order_id_of(order_id), quantity_of(by))


def replace_order(
    order_id, price, quantity, instrument, trigger_price, display_quantity, expiry_ns, protection,
):  # fmt: skip
    """Give an order a new price and a new open quantity. ``price``: None of an order that has none. If one of the last
    four is not None, an extension follows it.
    """
    extended: cython.bint = (
        trigger_price is not None or display_quantity is not None or expiry_ns is not None or protection is not None
    )
    replace = _REPLACE_ORDER(
        REPLACE_ORDER,
        0,
        0,
        0,
        instrument_of(instrument),
        order_id_of(order_id),
        0 if price is None else price_of(price),
        quantity_of(quantity),
        0,
        EXTENDED if extended else 0,
        0,
        0,
    )
    if not extended:
        return replace
    return replace + order_extension(trigger_price, display_quantity, expiry_ns, None, protection)


def mass_cancel(request_id, instrument, side):
    """Cancel the owner's orders. ``instrument``, ``side``: None for all."""
    number: u32 = ALL_INSTRUMENTS if instrument is None else instrument_of(instrument)
    return _MASS_CANCEL(MASS_CANCEL, 0 if side is None else side_of(side), 0, number, order_id_of(request_id))


def order_id_of(value):
    """A client's order id: below 2**48."""
    return number_of(value, MOST_ORDER_ID, InvalidOrderId, "order id")


def instrument_of(value):
    return number_of(value, MOST_INSTRUMENT, UnknownInstrument, "instrument")


def number_of(value, most, error, what):
    """A whole number from 0 to ``most``: the quick way for a plain int."""
    if type(value) is int:
        try:
            number: u64 = as_u64(value)
            if number <= most:
                return number
        except OverflowError:
            pass
    return whole(value, 0, most, error, what)
