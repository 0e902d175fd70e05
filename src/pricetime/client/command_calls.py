"""The calls of a client that send one command each, with the arguments of the book's own methods."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, cast

from pricetime.client import commands
from pricetime.client.future import CommandFuture, OrderFuture
from pricetime.types import Instruction, OrderType, SelfTrade, Side, TimeInForce
from pricetime.wire.messages import ExecutionReport

#: Mass cancels without a ``request_id`` get ids from here on, which no order should have.
FIRST_REQUEST = 1 << 47


class CommandCalls:
    """Base of clients. ``instrument``: of commands that name none."""

    instrument: int
    _requests: Iterator[int]

    def __init__(self, instrument: int) -> None:
        self.instrument = instrument
        self._requests = itertools.count(FIRST_REQUEST)

    def _command(self, data: bytes) -> CommandFuture[Any]:
        """Send a command: the future of its answer."""
        raise NotImplementedError

    def add_order(
        self,
        order_id: int,
        side: Side | int,
        price: int | None,
        quantity: int,
        *,
        order_type: OrderType | int = OrderType.LIMIT,
        time_in_force: TimeInForce | int = TimeInForce.GTC,
        post_only: bool = False,
        instructions: Instruction | int = 0,
        trigger_price: int | None = None,
        display_quantity: int | None = None,
        expiry_ns: int | None = None,
        minimum_quantity: int | None = None,
        protection: int | None = None,
        self_trade: SelfTrade | int | None = None,
        instrument: int | None = None,
        tag: int = 0,
    ) -> OrderFuture:
        """Send an order. ``order_id``: below 2**48, of none of the owner's open orders.

        ``price``: ticks; ignored for market, market-to-limit and stop orders. ``instructions``: AT_THE_OPEN or
        AT_THE_CLOSE for an order of one auction, ALL_OR_NONE; ``post_only=True`` is POST_ONLY. ``trigger_price``:
        ticks, of a stop or stop-limit order. ``display_quantity``: lots that an iceberg shows at once. ``expiry_ns``:
        of a GTD order, since 1970. ``minimum_quantity``: lots that must trade at once. ``protection``: ticks that a
        market or stop order may trade away from its first price. None for those that the order does not have.

        The answer is an ``OrderResult``: see ``OrderFuture``. Raises the errors of ``OrderBook.add_order`` for
        arguments that no order can have, ConnectionLost and SessionEnded. The future raises that of the exchange's
        reason: whether arguments fit together depends on the venue.
        """
        data = commands.new_order(
            order_id, side, price, quantity, self.instrument if instrument is None else instrument,
            order_type, time_in_force, instructions | Instruction.POST_ONLY if post_only else instructions,
            self_trade, tag, trigger_price, display_quantity, expiry_ns, minimum_quantity, protection,
        )  # fmt: skip
        return cast(OrderFuture, self._command(data))

    def cancel_order(self, order_id: int, *, instrument: int | None = None) -> CommandFuture[ExecutionReport]:
        """Cancel an order. The answer is its CANCELLED report."""
        number = self.instrument if instrument is None else instrument
        return self._command(commands.cancel_order(order_id, number))

    def reduce_order(self, order_id: int, by: int, *, instrument: int | None = None) -> CommandFuture[ExecutionReport]:
        """Take ``by`` lots off an order, which keeps its place in the queue. The answer is its REDUCED report."""
        number = self.instrument if instrument is None else instrument
        return self._command(commands.reduce_order(order_id, by, number))

    def replace_order(
        self,
        order_id: int,
        price: int | None,
        quantity: int,
        *,
        trigger_price: int | None = None,
        display_quantity: int | None = None,
        expiry_ns: int | None = None,
        protection: int | None = None,
        instrument: int | None = None,
    ) -> OrderFuture:
        """Give an order a new price and a new open quantity. The answer is an ``OrderResult``: see ``OrderFuture``.

        ``price``: None for an order that has none, such as a stop order. ``trigger_price``, ``display_quantity``,
        ``expiry_ns``, ``protection``: see ``add_order``. Without any of them they stay. With one of them, give all
        that the order has: one that is left out is an error, because a replace does not change the kind of an order.
        """
        data = commands.replace_order(
            order_id, price, quantity, self.instrument if instrument is None else instrument,
            trigger_price, display_quantity, expiry_ns, protection,
        )  # fmt: skip
        return cast(OrderFuture, self._command(data))

    def mass_cancel(
        self, *, side: Side | int | None = None, instrument: int | None = None, request_id: int | None = None
    ) -> CommandFuture[ExecutionReport]:
        """Cancel the owner's orders: on one side or both, of one instrument or all.

        The answer is the MASS_CANCELLED report, whose quantity is the number of cancelled orders. ``request_id``: below
        2**48, the ``order_id`` of the answer; by default a new one.
        """
        number = next(self._requests) if request_id is None else request_id
        return self._command(commands.mass_cancel(number, instrument, side))
