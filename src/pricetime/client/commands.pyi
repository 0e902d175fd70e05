# Not in commands.py: the compiler would check the arguments, and raise TypeError instead of the errors of orders.

from ..types import OrderType, SelfTrade, Side, TimeInForce

def new_order(
    order_id: int,
    side: Side | int,
    price: int | None,
    quantity: int,
    instrument: int,
    order_type: OrderType | int,
    time_in_force: TimeInForce | int,
    instructions: int,
    self_trade: SelfTrade | int | None,
    tag: int,
    trigger_price: int | None,
    display_quantity: int | None,
    expiry_ns: int | None,
    minimum_quantity: int | None,
    protection: int | None,
) -> bytes: ...
def cancel_order(order_id: int, instrument: int) -> bytes: ...
def reduce_order(order_id: int, by: int, instrument: int) -> bytes: ...
def replace_order(
    order_id: int,
    price: int | None,
    quantity: int,
    instrument: int,
    trigger_price: int | None,
    display_quantity: int | None,
    expiry_ns: int | None,
    protection: int | None,
) -> bytes: ...
def mass_cancel(request_id: int, instrument: int | None, side: Side | int | None) -> bytes: ...
