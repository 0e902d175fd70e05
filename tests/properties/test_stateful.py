"""Hypothesis looks for a run of commands after which the books and the reference disagree."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pricetime import COMPILED
from pricetime.types import MAX_QUANTITY, OrderType, ReplacePolicy, SelfTrade, Side, TimeInForce
from tests.books import I64_MAX, I64_MIN, U64
from tests.properties.side_by_side import SideBySide


def mostly(usual: list[Any], odd: list[Any]) -> st.SearchStrategy[Any]:
    """One of the usual values in all but a few cases, so that steps do something and still meet every edge."""
    times = 1 + 15 * len(odd) // len(usual)
    return st.sampled_from(usual * times + odd)


# Few of everything, so that commands meet; and the ends of every range.
ids = mostly(list(range(10)), [2**32 - 1, 2**32, 2**63, U64])
sides = mostly([1, 2], [0, 3])
prices = mostly(list(range(-2, 3)), [-64, 63, 64, 4096, 2**40, I64_MIN, I64_MIN + 1, I64_MAX - 1, I64_MAX])
quantities = mostly(list(range(1, 9)), [100, 2**62, MAX_QUANTITY - 1, MAX_QUANTITY, 0, 2**63, U64])
owners = st.sampled_from([0, 1, 1, 1, 2])
named_owners = mostly([None, None, 1], [2])
order_types = mostly([OrderType.LIMIT] * 4 + list(OrderType), [5])
times_in_force = mostly([TimeInForce.GTC] * 4 + list(TimeInForce), [5])
modes = mostly([None, *SelfTrade], [7])
picks = st.integers(0, 15)
bands = mostly([{}], [{"low_price": -1}, {"high_price": 1}, {"low_price": -1, "high_price": 1}, {"low_price": I64_MAX}])
OWNER_LIMIT = 3

new_order = {
    "order_id": ids,
    "side": sides,
    "price": prices,
    "quantity": quantities,
    "owner": owners,
    "order_type": order_types,
    "time_in_force": times_in_force,
    "post_only": mostly([False], [True]),
    "self_trade": modes,
    "timestamp": st.sampled_from([0, 1, U64]),
}
#: The terms of an order that may rest.
RESTS = {name: st.just(0) for name in ("order_type", "time_in_force")}
something_rests = precondition(lambda machine: len(machine.books.reference) > 0)


class Books(RuleBasedStateMachine):
    """Each rule is one kind of step; ``SideBySide`` holds the books."""

    books: SideBySide

    @initialize(
        capacity=st.integers(1, 12),
        level_capacity=st.integers(2, 8),
        self_trade=st.sampled_from(SelfTrade),
        replace_policy=st.sampled_from(ReplacePolicy),
        band=bands,
        makers=st.lists(st.fixed_dictionaries({**new_order, **RESTS}), max_size=12),
    )
    def open(self, makers: list[dict[str, Any]], band: dict[str, int], **given: Any) -> None:
        self.books = SideBySide(owner_limit=OWNER_LIMIT, **band, **given)
        for maker in makers:
            self.books.step(("add_order", maker))

    def resting(self, pick: int) -> int:
        """The id of one of the resting orders, or now and then of none."""
        live = [order.id for order in self.books.reference]
        return live[pick % len(live)] if pick else 77

    @rule(given=st.fixed_dictionaries(new_order))
    def add_order(self, given: dict[str, Any]) -> None:
        self.books.step(("add_order", given))

    @rule(order_id=ids, side=sides, price=prices, quantity=quantities, owner=owners)
    def match_order(self, **given: Any) -> None:
        self.books.step(("match_order", given))

    @something_rests
    @rule(pick=picks, owner=named_owners)
    def cancel_order(self, pick: int, **given: Any) -> None:
        self.books.step(("cancel_order", {"order_id": self.resting(pick), **given}))

    @something_rests
    @rule(pick=picks, by=quantities, owner=named_owners)
    def reduce_order(self, pick: int, **given: Any) -> None:
        self.books.step(("reduce_order", {"order_id": self.resting(pick), **given}))

    @something_rests
    @rule(pick=picks, price=prices, quantity=quantities, owner=named_owners)
    def replace_order(self, pick: int, **given: Any) -> None:
        self.books.step(("replace_order", {"order_id": self.resting(pick), **given}))

    @something_rests
    @rule(pick=picks, price=prices, quantity=quantities, new_id=ids)
    def replace_order_as(self, pick: int, **given: Any) -> None:
        self.books.step(("replace_order", {"order_id": self.resting(pick), **given}))

    @something_rests
    @rule(owner=st.integers(1, OWNER_LIMIT - 1), side=st.sampled_from([None, *Side]))
    def mass_cancel(self, **given: Any) -> None:
        self.books.step(("mass_cancel", given))

    @rule(phase=mostly([0, 0, 0, 1], [2, 255]))
    def set_phase(self, **given: Any) -> None:
        self.books.step(("set_phase", given))

    @rule()
    def renew(self) -> None:
        self.books.renew()

    @something_rests
    @rule(pick=picks, side=st.sampled_from(Side), price=prices)
    def ask(self, pick: int, side: int, price: int) -> None:
        self.books.ask(("order", {"order_id": self.resting(pick)}))
        self.books.ask(("queue_position", {"order_id": self.resting(pick)}))
        self.books.ask(("orders", {"side": side, "price": price}))

    @invariant()
    def agree(self) -> None:
        self.books.compare()


TestBooks = Books.TestCase
TestBooks.settings = settings(stateful_step_count=40 if COMPILED else 20)
