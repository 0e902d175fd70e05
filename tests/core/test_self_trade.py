"""Self-trade prevention: six modes, keyed by owner, decided by the incoming order."""

from typing import Any

import pytest

from pricetime.execution import Execution, Trade
from pricetime.types import Reason, SelfTrade, Side, TimeInForce
from tests.books import MARKET, ask, bid, ladder, queue, state

OFF, NEWEST, OLDEST, BOTH, DECREMENT, SMALLER = SelfTrade
ST, IOC = Reason.SELF_TRADE, Reason.IOC_REMAINDER
PREVENTING = [mode for mode in SelfTrade if mode is not OFF]
US, THEM = 1, 2


def place_makers(book: Any, side: Side = Side.ASK) -> None:
    """At the best price 4 of theirs, 6 of ours, 5 of theirs; behind it 3 of ours, 5 of theirs."""
    sign = 1 if side is Side.ASK else -1
    for order_id, price, quantity, owner in (
        (1, 100, 4, THEM),
        (2, 100, 6, US),
        (3, 100, 5, THEM),
        (4, 101, 3, US),
        (5, 101, 5, THEM),
    ):
        book.add_order(order_id, side, sign * price, quantity, owner=owner)


#: mode, incoming quantity, (maker, quantity) of each trade; what rests at the best price, behind it, of ours
MEETINGS: list[tuple[SelfTrade, int, list[Any], list[Any], list[Any], int]] = [
    (OFF, 10, [(1, 4), (2, 6)], [(3, 5)], [(4, 3), (5, 5)], 0),
    (OFF, 25, [(1, 4), (2, 6), (3, 5), (4, 3), (5, 5)], [], [], 2),
    (NEWEST, 4, [(1, 4)], [(2, 6), (3, 5)], [(4, 3), (5, 5)], 0),
    (NEWEST, 10, [(1, 4)], [(2, 6), (3, 5)], [(4, 3), (5, 5)], 0),
    (OLDEST, 4, [(1, 4)], [(2, 6), (3, 5)], [(4, 3), (5, 5)], 0),
    (OLDEST, 10, [(1, 4), (3, 5), (5, 1)], [], [(5, 4)], 0),
    (OLDEST, 20, [(1, 4), (3, 5), (5, 5)], [], [], 6),
    (BOTH, 4, [(1, 4)], [(2, 6), (3, 5)], [(4, 3), (5, 5)], 0),
    (BOTH, 10, [(1, 4)], [(3, 5)], [(4, 3), (5, 5)], 0),
    (DECREMENT, 7, [(1, 4)], [(2, 3), (3, 5)], [(4, 3), (5, 5)], 0),
    (DECREMENT, 10, [(1, 4)], [(3, 5)], [(4, 3), (5, 5)], 0),
    (DECREMENT, 12, [(1, 4), (3, 2)], [(3, 3)], [(4, 3), (5, 5)], 0),
    (DECREMENT, 17, [(1, 4), (3, 5)], [], [(4, 1), (5, 5)], 0),
    (DECREMENT, 25, [(1, 4), (3, 5), (5, 5)], [], [], 2),
    (SMALLER, 7, [(1, 4)], [(2, 6), (3, 5)], [(4, 3), (5, 5)], 0),
    (SMALLER, 10, [(1, 4), (3, 5)], [], [(4, 3), (5, 5)], 0),
    (SMALLER, 12, [(1, 4), (3, 5), (5, 3)], [], [(5, 2)], 0),
    (SMALLER, 20, [(1, 4), (3, 5), (5, 5)], [], [], 6),
]


@pytest.mark.parametrize("side", Side, ids=lambda side: f"taker {side.name}")
@pytest.mark.parametrize("by_default", [False, True], ids=["mode of the order", "mode of the book"])
@pytest.mark.parametrize(("mode", "quantity", "traded", "touch", "behind", "rests"), MEETINGS)
def test_meetings(
    make_book: Any,
    side: Side,
    by_default: bool,
    mode: SelfTrade,
    quantity: int,
    traded: list[Any],
    touch: list[Any],
    behind: list[Any],
    rests: int,
) -> None:
    book = make_book(1000, self_trade=mode) if by_default else make_book(1000)
    makers = Side(3 - side)
    sign = 1 if makers is Side.ASK else -1
    place_makers(book, makers)
    trades = book.add_order(9, side, sign * 101, quantity, owner=US, self_trade=None if by_default else mode).trades
    assert [(trade.maker_id, trade.quantity) for trade in trades] == traded
    assert queue(book, makers, sign * 100) == touch
    assert queue(book, makers, sign * 101) == behind
    assert queue(book, side, sign * 101) == ([(9, rests)] if rests else [])
    assert len(book) == len(touch) + len(behind) + bool(rests)
    state(book)


@pytest.mark.parametrize("mode", PREVENTING)
def test_owner_0_is_nobody(book: Any, mode: SelfTrade) -> None:
    ask(book, 1, 100, 5)
    assert bid(book, 2, 100, 5, self_trade=mode) == (Trade(1, 2, 100, 5),)


@pytest.mark.parametrize("mode", PREVENTING)
def test_different_owners_trade(book: Any, mode: SelfTrade) -> None:
    ask(book, 1, 100, 5, owner=1)
    ask(book, 2, 100, 5)
    assert len(bid(book, 3, 100, 10, owner=2, self_trade=mode)) == 2


@pytest.mark.parametrize("mode", PREVENTING)
def test_the_incoming_order_decides(make_book: Any, mode: SelfTrade) -> None:
    book = make_book(1000, self_trade=mode)
    ask(book, 1, 100, 5, owner=1, self_trade=mode)
    assert bid(book, 2, 100, 5, owner=1, self_trade=OFF) == (Trade(1, 2, 100, 5),)
    ask(book, 3, 100, 5, owner=1, self_trade=OFF)
    assert bid(book, 4, 100, 5, owner=1) == ()


@pytest.mark.parametrize("terms", [{"time_in_force": TimeInForce.IOC}, MARKET], ids=str)
@pytest.mark.parametrize("mode", PREVENTING)
def test_what_never_rests_follows_the_modes_too(book: Any, mode: SelfTrade, terms: dict[str, Any]) -> None:
    place_makers(book)
    traded, touch = next((m[2], m[3]) for m in MEETINGS if m[0] is mode and m[1] >= 10)
    quantity = next(m[1] for m in MEETINGS if m[0] is mode and m[1] >= 10)
    trades = bid(book, 9, 101, quantity, owner=US, self_trade=mode, **terms)
    assert [(trade.maker_id, trade.quantity) for trade in trades] == traded
    assert queue(book, Side.ASK, 100) == touch
    assert 9 not in book


@pytest.mark.parametrize(
    ("mode", "fills", "lacks"),
    [
        (OFF, [4, 10, 15, 23], [24]),
        (NEWEST, [3, 4], [5, 9, 15]),
        (OLDEST, [4, 9, 14], [15, 23]),  # ours count for nothing
        (BOTH, [3, 4], [5, 9, 15]),
        (DECREMENT, [3, 4], [5, 9, 15]),  # what is decremented does not trade, so the whole never would
        (SMALLER, [4, 12, 14], [5, 9, 10, 11, 15]),  # 10 fills 9, and the 1 left is smaller than our 3 at 101
    ],
)
def test_fok_counts_only_what_it_could_take(
    make_book: Any, mode: SelfTrade, fills: list[int], lacks: list[int]
) -> None:
    for quantity in fills:
        book = make_book(1000)
        place_makers(book)
        trades = bid(book, 9, 101, quantity, owner=US, self_trade=mode, time_in_force=TimeInForce.FOK)
        assert sum(trade.quantity for trade in trades) == quantity
        state(book)
    for quantity in lacks:
        book = make_book(1000)
        place_makers(book)
        before = state(book)
        assert bid(book, 9, 101, quantity, owner=US, self_trade=mode, time_in_force=TimeInForce.FOK) == ()
        assert state(book) == before


def test_fok_cancels_the_oldest_on_its_way(book: Any) -> None:
    place_makers(book)
    bid(book, 9, 100, 9, owner=US, self_trade=OLDEST, time_in_force=TimeInForce.FOK)
    assert queue(book, Side.ASK, 100) == []
    assert queue(book, Side.ASK, 101) == [(4, 3), (5, 5)]


def test_several_own_orders_in_a_row(book: Any) -> None:
    for order_id, quantity in enumerate((2, 3, 4), start=1):
        ask(book, order_id, 100, quantity, owner=US)
    assert bid(book, 9, 100, 6, owner=US, self_trade=DECREMENT) == ()
    assert queue(book, Side.ASK, 100) == [(3, 3)]
    assert bid(book, 9, 100, 6, owner=US, self_trade=OLDEST) == ()
    assert ladder(book) == ([(100, 6, 1)], [])


@pytest.mark.parametrize("mode", PREVENTING)
def test_a_replaced_order_keeps_its_mode(book: Any, mode: SelfTrade) -> None:
    """Our bid of 6, entered with a mode, is replaced into our ask of 6."""
    bid(book, 1, 90, 6, owner=US, self_trade=mode)
    ask(book, 2, 100, 6, owner=US)
    assert book.replace_order(1, 100, 6).trades == ()
    left: dict[SelfTrade, Any] = {NEWEST: ([], [(2, 6)]), BOTH: ([], []), DECREMENT: ([], [])}
    assert (queue(book, Side.BID, 100), queue(book, Side.ASK, 100)) == left.get(mode, ([(1, 6)], []))


def test_a_replaced_order_without_a_mode_follows_the_book(make_book: Any) -> None:
    book = make_book(1000, self_trade=OLDEST)
    bid(book, 1, 90, 6, owner=US)
    ask(book, 2, 100, 7, owner=US)
    assert book.replace_order(1, 100, 6).trades == ()
    assert ladder(book) == ([(100, 6, 1)], [])


def test_the_room_that_prevention_frees_can_be_used(make_book: Any) -> None:
    book = make_book(2)
    ask(book, 1, 100, 5, owner=US)
    bid(book, 2, 100, 5, owner=US, self_trade=BOTH)
    ask(book, 3, 100, 5)
    ask(book, 4, 100, 5)
    assert queue(book, Side.ASK, 100) == [(3, 5), (4, 5)]


@pytest.mark.parametrize(
    ("mode", "reason"), [(NEWEST, ST), (BOTH, ST), (OLDEST, IOC), (DECREMENT, IOC), (SMALLER, IOC)]
)
def test_what_a_match_does_not_trade(make_book: Any, mode: SelfTrade, reason: Reason) -> None:
    """All of it is cancelled; the reason is that of the last cancel of this order."""
    book = make_book(1000, self_trade=mode)
    ask(book, 1, 100, 5, owner=US)
    assert book.match_order(2, Side.BID, 100, 8, owner=US) == Execution(2, [], 0, 8, reason)
