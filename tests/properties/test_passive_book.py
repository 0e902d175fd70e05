"""A passive book is the naive model of one: queues in lists, looked through from the front."""

import random

import numpy as np
import pytest

from pricetime import COMPILED, Reason, ReplacePolicy, Side
from pricetime.tape import PassiveBook
from pricetime.types import PassiveAction

STEPS = 3_000 if COMPILED else 600
ACTIONS = [*PassiveAction, PassiveAction.ADD, PassiveAction.EXECUTE]

#: Action, order id, side, price, quantity, new id.
Row = tuple[int, int, int, int, int, int]


class Naive:
    """Every order in one list, in the order in which it joined its queue: [id, side, price, quantity]."""

    def __init__(self, policy: ReplacePolicy) -> None:
        self.orders: list[list[int]] = []
        self.policy = policy

    def find(self, order_id: int) -> list[int] | None:
        return next((order for order in self.orders if order[0] == order_id), None)

    def queue(self, side: int, price: int) -> list[list[int]]:
        return [order for order in self.orders if order[1] == side and order[2] == price]

    def best(self, side: int) -> int | None:
        prices = [order[2] for order in self.orders if order[1] == side]
        if not prices:
            return None
        return max(prices) if side == Side.BID else min(prices)

    def do(self, row: Row) -> tuple[int, bool]:
        """The reason, and whether an execute was of the first order at the best price."""
        action, order_id, side, price, quantity, new_id = row
        order = self.find(order_id)
        if action == PassiveAction.ADD:
            return (Reason.DUPLICATE_ORDER_ID if order else self.enter([order_id, side, price, quantity])), False
        if order is None:
            return Reason.UNKNOWN_ORDER, False
        if action == PassiveAction.REPLACE:
            return self.replace(order, price, quantity, new_id), False
        first = action == PassiveAction.EXECUTE and self.is_first(order)
        if action == PassiveAction.EXECUTE and quantity > order[3]:
            return Reason.INVALID_QUANTITY, False
        order[3] -= order[3] if action == PassiveAction.CANCEL else min(order[3], quantity)
        if order[3] == 0:
            self.orders.remove(order)
        return Reason.NONE, first

    def is_first(self, order: list[int]) -> bool:
        return order[2] == self.best(order[1]) and self.queue(order[1], order[2])[0] is order

    def enter(self, order: list[int]) -> Reason:
        self.orders.append(order)
        return Reason.NONE

    def replace(self, order: list[int], price: int, quantity: int, new_id: int) -> Reason:
        if new_id != order[0] and self.find(new_id):
            return Reason.DUPLICATE_ORDER_ID
        if self.policy is ReplacePolicy.ALWAYS_LOSE or price != order[2] or quantity > order[3]:
            self.orders.remove(order)
            self.orders.append(order)
        order[0], order[2], order[3] = new_id, price, quantity
        return Reason.NONE

    def state(self) -> list[tuple[int, ...]]:
        """Bids, then asks, best first, each queue in its order."""
        sign = {Side.BID: -1, Side.ASK: 1}
        return [tuple(order) for order in sorted(self.orders, key=lambda it: (it[1], sign[Side(it[1])] * it[2]))]


def random_row(rng: random.Random) -> Row:
    """About few orders at few prices, so that they meet; bids and asks cross half of the time."""
    order_id, new_id = rng.randrange(60), rng.randrange(60)
    return rng.choice(ACTIONS), order_id, rng.choice((1, 2)), rng.randint(-5, 5), rng.randint(1, 9), new_id


def state(book: PassiveBook) -> list[tuple[int, ...]]:
    return [tuple(order)[:4] for order in book]


@pytest.mark.parametrize("policy", ReplacePolicy)
@pytest.mark.parametrize("seed", range(8))
def test_random_actions_one_by_one_and_in_bulk(seed: int, policy: ReplacePolicy) -> None:
    rng = random.Random(seed)
    naive = Naive(policy)
    one, bulk = (PassiveBook(100, replace_policy=policy) for _ in range(2))
    rows: list[Row] = []
    expected: list[tuple[int, bool]] = []
    for step in range(STEPS):
        rows.append(random_row(rng))
        expected.append(naive.do(rows[-1]))
        assert done(one, rows[-1]) == expected[-1]
        if step % 100 == 0:
            one.check()
            assert state(one) == naive.state()
            bids, asks = one.best_bid, one.best_ask
            assert one.crossed == (bids is not None and asks is not None and bids >= asks)
        if len(rows) == 250:
            assert in_bulk(bulk, rows) == expected
            assert bulk.digest() == one.digest()
            rows, expected = [], []
    bulk.check()


def done(book: PassiveBook, row: Row) -> tuple[int, bool]:
    """One action through the call of its own."""
    from pricetime import errors

    action, order_id, side, price, quantity, new_id = row
    try:
        if action == PassiveAction.ADD:
            book.add_order(order_id, side, price, quantity)
        elif action == PassiveAction.EXECUTE:
            return Reason.NONE, book.execute_order(order_id, quantity)
        elif action == PassiveAction.REDUCE:
            book.reduce_order(order_id, quantity)
        elif action == PassiveAction.CANCEL:
            book.cancel_order(order_id)
        else:
            book.replace_order(order_id, price, quantity, new_id=new_id)
    except errors.PricetimeError as error:
        return next(reason for reason, kind in errors.ERROR_OF_REASON.items() if kind is type(error)), False
    return Reason.NONE, False


def in_bulk(book: PassiveBook, rows: list[Row]) -> list[tuple[int, bool]]:
    actions, order_ids, sides, prices, quantities, new_ids = np.array(rows).T
    options = {"sides": sides, "prices": prices, "quantities": quantities, "new_ids": new_ids}
    return [tuple(result) for result in book.apply(actions, order_ids, **options).tolist()]
