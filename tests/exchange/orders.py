"""Messages in few words."""

from pricetime import GTC, LIMIT
from pricetime.types import ALL_INSTRUMENTS, Instruction
from pricetime.wire.messages import (
    CancelOrder,
    MassCancel,
    NewOrder,
    OpenOrders,
    OrderExtension,
    ReduceOrder,
    ReplaceOrder,
)

BID, ASK = 1, 2
POST_ONLY, EXTENDED = Instruction.POST_ONLY, Instruction.EXTENDED


def new(
    order_id: int,
    side: int = BID,
    price: int = 100,
    quantity: int = 10,
    *,
    order_type: int = LIMIT,
    time_in_force: int = GTC,
    instructions: int = 0,
    instrument: int = 1,
    flags: int = 0,
    tag: int = 0,
) -> NewOrder:
    return NewOrder(
        order_id=order_id,
        side=side,
        price=price,
        quantity=quantity,
        order_type=order_type,
        time_in_force=time_in_force,
        instructions=instructions,
        instrument=instrument,
        flags=flags,
        tag=tag,
    )


def extension(trigger_price: int = 0, display_quantity: int = 0) -> OrderExtension:
    return OrderExtension(trigger_price=trigger_price, display_quantity=display_quantity)


def cancel(order_id: int, instrument: int = 1) -> CancelOrder:
    return CancelOrder(order_id=order_id, instrument=instrument)


def reduce(order_id: int, quantity: int, instrument: int = 1) -> ReduceOrder:
    return ReduceOrder(order_id=order_id, quantity=quantity, instrument=instrument)


def replace(order_id: int, price: int, quantity: int, instrument: int = 1) -> ReplaceOrder:
    return ReplaceOrder(order_id=order_id, price=price, quantity=quantity, instrument=instrument)


def mass_cancel(order_id: int = 0, side: int = 0, instrument: int = ALL_INSTRUMENTS) -> MassCancel:
    return MassCancel(order_id=order_id, side=side, instrument=instrument)


def open_orders(order_id: int = 0, behind: int | None = None, instrument: int = 1) -> OpenOrders:
    return OpenOrders(flags=behind is not None, instrument=instrument, order_id=order_id, behind=behind or 0)
