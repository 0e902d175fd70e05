"""Random orders of a venue: every command is answered, and every order followed to its end, whatever becomes of it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from pricetime.client.acknowledgements import Acknowledgements
from pricetime.client.future import CommandFuture, OrderFuture
from pricetime.client.open_orders import OpenOrder, OpenOrdersQuery
from pricetime.client.order_result import OrderResult, OrderStatus
from pricetime.errors import ERROR_OF_REASON
from pricetime.profiles import Venue
from pricetime.reference import ReferenceBook
from pricetime.types import COMMAND, CommandType, Instruction, OrderType, ReportKind, Side
from pricetime.wire.bulk import encode_commands
from pricetime.wire.messages import ExecutionReport, OpenOrders
from pricetime.wire.types import ORDER_ID_BITS
from tests.client.venue_streams import OWN, Commands, OwnedFlow, VenueStreams
from tests.reference.venue_flow import command, extension, random_settings

OWNERS = (1, 2, 3)
SIZE = ExecutionReport.SIZE


class Clients:
    """A client for each owner, and what they know of their orders."""

    def __init__(self, streams: VenueStreams) -> None:
        self.streams = streams
        self.open = {owner: Acknowledgements(None) for owner in OWNERS}
        self.orders: dict[int, OrderFuture] = {}  #: by order id, the future of the new order
        self.traded: Counter[int] = Counter()

    def give(self, owner: int, commands: Commands, rng: random.Random) -> CommandFuture[Any] | None:
        """Send a command, and read what comes of it, in pieces. Returns its future."""
        future = self._expect(owner, commands) if owner else None
        for to, reports in self.streams.give(commands, owner).items():
            self._count(to, reports)
            at = 0
            while at < len(reports):
                piece = rng.randint(1, 4) * SIZE
                self.open[to].read(reports[at : at + piece])
                at += piece
            self.open[to].all_read()
        return future

    def _expect(self, owner: int, commands: Commands) -> CommandFuture[Any]:
        sent = commands.copy()
        sent["order_id"][0] &= np.uint64(OWN)
        future: CommandFuture[Any] = self.open[owner].expect(encode_commands(sent)[0].tobytes(), 1)
        if commands["type"][0] == CommandType.NEW_ORDER:
            assert isinstance(future, OrderFuture)
            self.orders[int(commands["order_id"][0])] = future
        return future

    def _count(self, owner: int, reports: bytes) -> None:
        for at in range(0, len(reports), SIZE):
            report = ExecutionReport.decode(reports[at : at + SIZE])
            if report.kind in {ReportKind.TRADE, ReportKind.AUCTION_TRADE}:
                self.traded[owner << ORDER_ID_BITS | report.order_id] += report.quantity


def check(future: CommandFuture[Any], book: ReferenceBook, order_id: int) -> None:
    """The answer to a command is what the book has."""
    assert future.done()
    error = future.exception(0)
    if error is not None:
        assert type(error) in ERROR_OF_REASON.values()
        return
    result = future.result(0)
    if not isinstance(result, OrderResult):
        return
    order = book.by_id.get(order_id)
    if not result.remaining:
        assert order is None
        assert result.status in {OrderStatus.FILLED, OrderStatus.CANCELLED}
    elif order is not None and result.remaining == order.quantity:  # no stop order took it when it had come to rest
        assert result.waits is order.waits
        assert result.status is (OrderStatus.WAITING if order.waits else OrderStatus.RESTING)


@pytest.mark.parametrize("seed", range(60))
def test_every_order_is_followed_to_its_end(seed: int) -> None:
    rng = random.Random(seed)
    book = ReferenceBook(**random_settings(rng))
    streams = VenueStreams(book)
    clients, flow = Clients(streams), OwnedFlow(rng, streams)
    for _ in range(150):
        owner, commands = flow.next()
        future = clients.give(owner, commands, rng)
        if future is not None:
            check(future, book, int(commands["order_id"][0]))
    for owner in OWNERS:
        clients.give(owner, command(CommandType.MASS_CANCEL, owner=owner, instrument=1), rng)
    assert not book.by_id
    for order_id, future in clients.orders.items():
        if future.exception(0) is None:
            final = future.final.result(0)
            assert final.remaining == 0
            assert final.filled == clients.traded[order_id]
            assert not final.waits
    assert not any(map(len, clients.open.values()))


# ---------------------------------------------------------------------- the list of open orders


def question_of(asked: OpenOrders) -> Commands:
    made = np.zeros(1, COMMAND)
    made["type"], made["owner"], made["flags"] = CommandType.OPEN_ORDERS, 1, asked.flags
    made["order_id"], made["quantity"] = 1 << ORDER_ID_BITS | asked.order_id, 1 << ORDER_ID_BITS | asked.behind
    return made


def some_order(rng: random.Random, order_id: int) -> Commands:
    """An order of owner 1 that rests or waits."""
    price = rng.randint(90, 98)
    fields = {"order_id": order_id, "owner": 1, "side": Side.BID, "price": price, "quantity": rng.randint(5, 9)}
    if rng.random() < 0.5:
        return command(CommandType.NEW_ORDER, **fields)
    fields["instructions"] = Instruction.EXTENDED
    if rng.random() < 0.5:
        order = command(CommandType.NEW_ORDER, **fields)
        return np.concatenate([order, extension(display_quantity=rng.randint(1, 4))])
    order = command(CommandType.NEW_ORDER, **fields, order_type=OrderType.STOP_LIMIT)
    return np.concatenate([order, extension(trigger_price=rng.randint(100, 112))])


def open_orders_of(book: ReferenceBook) -> list[OpenOrder]:
    """Those of owner 1, in the order in which they joined their queues."""
    own = sorted((order for order in book.by_id.values() if order.owner == 1), key=lambda order: order.entered)
    return [
        OpenOrder(
            1,
            order.id & OWN,
            order.side,
            order.price,
            order.quantity,
            0 if order.waits else order.id,
            order.waits,
            order.trigger_price if order.waits else None,
        )
        for order in own
    ]


@pytest.mark.parametrize("seed", range(40))
def test_open_orders_of_a_venue_while_they_change(seed: int) -> None:
    """Stop orders, icebergs and orders for auctions, replaced, triggered and refreshed between the answers."""
    rng = random.Random(seed)
    venue = Venue(all_or_none=seed % 2 == 0)
    book = ReferenceBook(venue=venue, owner_limit=5)
    streams = VenueStreams(book)
    flow = OwnedFlow(rng, streams)
    for number in range(rng.choice([5, 600])):
        streams.give(some_order(rng, 1 << ORDER_ID_BITS | 1000 + number), 1)
    query = OpenOrdersQuery()
    while not query.done:
        question = query.ask()
        for _ in range(rng.randint(0, 6)):
            owner, commands = flow.next()
            query.read(streams.give(commands, owner).get(1, b""))
        query.read(streams.give(question_of(question), 1)[1])
    assert query.orders == open_orders_of(book)


def test_a_waiting_order_has_its_trigger_price() -> None:
    streams = VenueStreams(ReferenceBook(owner_limit=5))
    book = streams.book
    book.add_order(1 << ORDER_ID_BITS | 7, 2, 98, 5, owner=1, order_type=4, trigger_price=-3)
    book.add_order(1 << ORDER_ID_BITS | 8, 1, 90, 50, owner=1, display_quantity=10)
    query = OpenOrdersQuery()
    query.read(streams.give(question_of(query.ask()), 1)[1])
    stop, iceberg = query.orders
    assert (stop.order_id, stop.waits, stop.trigger_price, stop.price, stop.reference) == (7, True, -3, 98, 0)
    assert (iceberg.order_id, iceberg.waits, iceberg.trigger_price, iceberg.quantity) == (8, False, None, 50)
