"""The commands of a client as messages, from the arguments that the book's own methods take."""

from __future__ import annotations

from pricetime import checks
from pricetime.checks import whole
from pricetime.core.instrument import MAX_INSTRUMENTS
from pricetime.errors import InvalidOrderId, InvalidSetting, UnknownInstrument
from pricetime.types import ALL_INSTRUMENTS, Side, TimeInForce
from pricetime.wire.messages import CancelOrder, MassCancel, NewOrder, ReduceOrder, ReplaceOrder
from pricetime.wire.types import ORDER_ID_BITS


def order_id_of(value: object) -> int:
    """A client's order id: below 2**48."""
    return whole(value, 0, (1 << ORDER_ID_BITS) - 1, InvalidOrderId, "order id")


def instrument_of(value: object) -> int:
    return whole(value, 0, MAX_INSTRUMENTS - 1, UnknownInstrument, "instrument")


def new_order(
    order_id: int,
    side: int,
    price: int | None,
    quantity: int,
    *,
    instrument: int,
    time_in_force: int = TimeInForce.GTC,
    self_trade: int | None = None,
    tag: int = 0,
) -> NewOrder:
    """Raises the errors of ``OrderBook.add_order`` for arguments that cannot be."""
    return NewOrder(
        side=checks.side(side),
        time_in_force=checks.time_in_force(time_in_force),
        flags=0 if self_trade is None else checks.self_trade(self_trade),
        instrument=instrument_of(instrument),
        order_id=order_id_of(order_id),
        price=0 if time_in_force == TimeInForce.MARKET else checks.price(price),
        quantity=checks.quantity(quantity),
        tag=whole(tag, 0, 2**32 - 1, InvalidSetting, "tag"),
    )


def cancel_order(order_id: int, *, instrument: int) -> CancelOrder:
    return CancelOrder(instrument=instrument_of(instrument), order_id=order_id_of(order_id))


def reduce_order(order_id: int, by: int, *, instrument: int) -> ReduceOrder:
    return ReduceOrder(
        instrument=instrument_of(instrument), order_id=order_id_of(order_id), quantity=checks.quantity(by)
    )


def replace_order(order_id: int, price: int, quantity: int, *, instrument: int) -> ReplaceOrder:
    return ReplaceOrder(
        instrument=instrument_of(instrument),
        order_id=order_id_of(order_id),
        price=checks.price(price),
        quantity=checks.quantity(quantity),
    )


def mass_cancel(request_id: int, *, instrument: int | None, side: Side | int | None) -> MassCancel:
    """``instrument``, ``side``: None for all."""
    return MassCancel(
        side=0 if side is None else checks.side(side),
        instrument=ALL_INSTRUMENTS if instrument is None else instrument_of(instrument),
        order_id=order_id_of(request_id),
    )
