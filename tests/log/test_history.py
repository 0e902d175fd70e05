"""What the reports say about an order is what its book knows of it: random commands of every kind."""

import random

import pytest

from pricetime.log.history import OrderHistory, Said
from pricetime.log.order_replay import changed, terms_of
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.standing import OrderState
from pricetime.types import CommandType, ReportKind
from tests.reference.venue_flow import Commands, Flow, random_settings


class Followed:
    """A reference book, and the history of every order that it ever had."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.book = ReferenceBook(**settings)  # type: ignore[arg-type]
        self.histories: dict[int, OrderHistory] = {}
        self.sequence = 0

    def apply(self, commands: Commands) -> None:
        self.sequence += 1
        command, more = commands[0], commands[1] if len(commands) > 1 else None
        for row in apply(self.book, commands)[
            ["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]
        ].tolist():
            said = Said(self.sequence, self.sequence, *row)
            if said.kind == ReportKind.ACCEPTED:
                self.histories[said.order_id] = OrderHistory(
                    said.order_id, int(command["owner"]), terms_of(command, more), None
                )
            for history in list(self.histories.values()):
                if history.is_open or said.kind == ReportKind.ACCEPTED:
                    self._take(history, said, command["type"], more)

    def _take(self, history: OrderHistory, said: Said, kind: int, more: object) -> None:
        before = history.order_id
        history.take(said)
        if said.kind == ReportKind.REPLACED and said.maker_id == before and more is not None:
            history.terms = changed(history.terms, more)  # type: ignore[arg-type]
        if history.order_id != before:
            self.histories[history.order_id] = self.histories.pop(before)

    def check(self) -> None:
        open_ones = {number for number, history in self.histories.items() if history.is_open}
        assert open_ones == set(self.book.by_id)
        for number in open_ones:
            history, order = self.histories[number], self.book.by_id[number]
            assert history.remaining == order.quantity
            assert history.filled == order.filled
            assert (history.state is OrderState.WAITING) == order.waits
            assert history.terms.side == order.side
            assert history.terms.quantity >= order.quantity
            if not order.waits:
                assert (history.terms.price is None) == order.unpriced
                assert order.unpriced or history.terms.price == order.price
            if order.is_stop:
                assert history.terms.trigger_price == order.trigger_price
            assert history.terms.display_quantity == order.display_quantity
            assert history.terms.expiry_ns == order.expiry_ns


@pytest.mark.parametrize("seed", range(60))
def test_the_history_of_every_order_agrees_with_the_book(seed: int) -> None:
    rng = random.Random(seed)
    settings = random_settings(rng)
    followed = Followed(settings)
    flow = Flow(rng, all_or_none=settings["venue"].all_or_none)
    for _ in range(150):
        followed.apply(flow.next([*followed.book.by_id]))
        followed.check()
    ended = [history for history in followed.histories.values() if not history.is_open]
    assert ended
    for history in ended:
        assert history.remaining == 0
        assert history.last in history.events
        traded = sum(e.quantity for e in history.events if e.kind in (ReportKind.TRADE, ReportKind.AUCTION_TRADE))
        assert traded == history.filled
        assert history.state in (OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED)


def test_only_what_is_ahead_counts() -> None:
    """Trades at its price or better, of orders of its side, while the market sees it."""
    followed = Followed({})

    def new(order_id: int, side: int, price: int, quantity: int) -> None:
        from tests.reference.venue_flow import command

        fields = {"order_id": order_id, "side": side, "price": price, "quantity": quantity}
        followed.apply(command(CommandType.NEW_ORDER, **fields))

    new(1, 1, 100, 5)
    new(2, 1, 100, 5)
    new(3, 1, 101, 1)
    new(4, 1, 99, 9)
    new(5, 2, 100, 4)  # 1 of order 3 at 101, 3 of order 1 at 100
    assert followed.histories[2].ahead == ((101, 1, 1), (100, 1, 3))
    assert followed.histories[4].ahead == ((101, 1, 1), (100, 1, 3))
    assert followed.histories[1].ahead == ((101, 1, 1),)
    new(6, 2, 105, 2)
    new(7, 1, 105, 2)  # asks are not ahead of bids
    assert followed.histories[2].ahead == ((101, 1, 1), (100, 1, 3))
    new(8, 2, 99, 8)  # 2 of order 1, 5 of order 2, 1 of order 4
    assert followed.histories[2].ahead == ((101, 1, 1), (100, 2, 5))
    assert followed.histories[2].state is OrderState.FILLED
    assert followed.histories[4].ahead == ((101, 1, 1), (100, 3, 10))
