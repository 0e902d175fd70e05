"""Orders that end at a time or with the day, in parts too, and prices that a command sets."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pricetime import ASK, BID, COMPILED, CommandType, OrderBook, OrderType, Phase, Reason, ReportKind, TimeInForce
from pricetime.errors import InvalidExpiry, InvalidPrice, InvalidSetting, InvalidTimestamp, PriceOutsideBand
from pricetime.types import PriceKind
from tests.books import command

GTD, DAY = TimeInForce.GTD, TimeInForce.DAY
STOP_LIMIT = OrderType.STOP_LIMIT


def run(book: OrderBook, kind: CommandType, **fields: int) -> list[tuple[Any, ...]]:
    """The reports of a command: kind, order, quantity, hidden quantity, reason."""
    return [
        (
            ReportKind(r["kind"]).name,
            int(r["order_id"]),
            int(r["quantity"]),
            int(r["maker_id"]),
            Reason(r["reason"]).name,
        )
        for r in book.apply(command(kind, **fields))
    ]


def gtd(book: OrderBook, order_id: int, expiry_ns: int, **given: Any) -> None:
    book.add_order(order_id, BID, 100 - order_id, 5, time_in_force=GTD, expiry_ns=expiry_ns, **given)


def test_orders_end_by_time_and_entry() -> None:
    book = OrderBook(20)
    for order_id, expiry in ((1, 30), (2, 20), (3, 30), (4, 20), (5, 31)):
        gtd(book, order_id, expiry)
    book.add_order(6, ASK, 105, 5, order_type=STOP_LIMIT, trigger_price=90, time_in_force=GTD, expiry_ns=25)
    assert run(book, CommandType.EXPIRE, quantity=30, order_id=77) == [
        ("EXPIRED", 2, 5, 0, "EXPIRY_REACHED"),
        ("EXPIRED", 4, 5, 0, "EXPIRY_REACHED"),
        ("EXPIRED", 6, 5, 5, "EXPIRY_REACHED"),
        ("EXPIRED", 1, 5, 0, "EXPIRY_REACHED"),
        ("EXPIRED", 3, 5, 0, "EXPIRY_REACHED"),
        ("EXPIRY_DONE", 77, 5, 0, "NONE"),
    ]
    book.check()
    assert (book.expire(30), book.expire(31), len(book)) == (0, 1, 0)


def test_an_expiry_in_parts() -> None:
    book = OrderBook(20)
    for order_id in range(5):
        gtd(book, order_id, 20)
    ends = [run(book, CommandType.EXPIRE, quantity=20, tag=2, order_id=9) for _ in range(4)]
    assert [reports[-1] for reports in ends] == [
        ("EXPIRY_DONE", 9, 2, 0, "UNFINISHED"),
        ("EXPIRY_DONE", 9, 2, 0, "UNFINISHED"),
        ("EXPIRY_DONE", 9, 1, 0, "NONE"),
        ("EXPIRY_DONE", 9, 0, 0, "NONE"),
    ]


def test_parts_from_python() -> None:
    book = OrderBook(20)
    for order_id in range(5):
        gtd(book, order_id, 20)
    assert [book.expire(20, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_orders_for_the_day_end_once_the_book_is_closed() -> None:
    book = OrderBook(20)
    book.add_order(1, BID, 100, 5, time_in_force=DAY)
    book.add_order(2, BID, 99, 5)
    gtd(book, 3, 9)
    book.add_order(4, BID, 98, 30, time_in_force=DAY, display_quantity=10)
    assert book.expire(1) == 0
    book.set_phase(Phase.CLOSED)
    assert run(book, CommandType.EXPIRE, quantity=9) == [
        ("EXPIRED", 3, 5, 0, "EXPIRY_REACHED"),
        ("EXPIRED", 1, 5, 0, "DAY_ENDED"),
        ("EXPIRED", 4, 30, 20, "DAY_ENDED"),
        ("EXPIRY_DONE", 0, 3, 0, "NONE"),
    ]
    assert [order.id for order in book] == [2]


def test_a_refreshed_order_is_a_later_one() -> None:
    book = OrderBook(20)
    book.add_order(1, BID, 100, 30, time_in_force=DAY, display_quantity=10)
    book.add_order(2, BID, 100, 10, time_in_force=DAY)
    book.match_order(3, ASK, 100, 10)
    book.set_phase(Phase.CLOSED)
    assert [r[1] for r in run(book, CommandType.EXPIRE)[:-1]] == [2, 1]


@pytest.mark.parametrize("seed", range(30 if COMPILED else 6))
def test_random_orders_end_in_their_order(seed: int) -> None:
    """Against a list that is sorted: orders come, go, change their time and end, some at a time."""
    rng = random.Random(seed)
    book = OrderBook(300, lot_size=1)
    known: dict[int, tuple[int, int]] = {}
    for number in range(200):
        if rng.random() < 0.6:
            expiry = rng.randint(1, 60)
            book.add_order(number, BID, rng.randint(90, 99), 5, time_in_force=GTD, expiry_ns=expiry)
            known[number] = expiry, number
        elif known and rng.random() < 0.5:
            gone = rng.choice(list(known))
            book.cancel_order(gone)
            del known[gone]
        elif known:
            changed = rng.choice(list(known))
            expiry = rng.randint(1, 60)
            order = book.order(changed)
            if rng.random() < 0.5:  # it keeps its place
                book.replace_order(changed, order.price, 4, expiry_ns=expiry)
                known[changed] = expiry, known[changed][1]
                book.replace_order(changed, order.price, 4)
            else:
                book.replace_order(changed, order.price, order.quantity + 1, expiry_ns=expiry)
                known[changed] = expiry, number
        if number % 20 == 19:
            now, limit = rng.randint(0, 30), rng.choice([0, 1, 3])
            due = sorted((number for number in known if known[number][0] <= now), key=known.__getitem__)
            part = due[:limit] if limit else due
            reports = book.apply(command(CommandType.EXPIRE, quantity=now, tag=limit))
            assert reports["order_id"][:-1].tolist() == part
            assert reports["reason"][-1] == (Reason.UNFINISHED if len(part) < len(due) else Reason.NONE)
            for ended in part:
                del known[ended]
            book.check()


def test_an_expiry_may_trigger_stops_by_the_best_quote() -> None:
    book = OrderBook(20, venue={"stop_trigger": 1})
    book.add_order(1, ASK, 100, 5, time_in_force=GTD, expiry_ns=9)
    book.add_order(2, BID, 90, 5, order_type=STOP_LIMIT, trigger_price=105)
    assert book.expire(9) == 1
    assert book.best_bid == 90


def test_a_mass_cancel_in_parts_passes_orders_that_end() -> None:
    book = OrderBook(20, owner_limit=3)
    for order_id in range(1, 6):
        gtd(book, order_id, 10 * order_id, owner=1)
    book.apply(command(CommandType.MASS_CANCEL, owner=1, tag=1))
    assert book.expire(30) == 2
    book.check()
    assert run(book, CommandType.CONTINUE, owner=1)[-1] == ("MASS_CANCELLED", 0, 3, 0, "NONE")
    assert len(book) == 0


def test_bad_times() -> None:
    book = OrderBook(10)
    gtd(book, 1, 9, timestamp=8)
    for given in ({"expiry_ns": 0}, {"expiry_ns": 9, "timestamp": 9}, {"expiry_ns": 2**64}, {"expiry_ns": "x"}):
        with pytest.raises(InvalidExpiry):
            book.add_order(2, BID, 90, 5, time_in_force=GTD, **given)
    for time in (TimeInForce.GTC, DAY):
        with pytest.raises(InvalidExpiry):
            book.add_order(2, BID, 90, 5, time_in_force=time, expiry_ns=9)
    for now in (-1, 2**64, "x", None, 1.0):
        with pytest.raises(InvalidTimestamp):
            book.expire(now)  # type: ignore[arg-type]
    for limit in (-1, 2**32, None, 1.5):
        with pytest.raises(InvalidSetting):
            book.expire(9, limit=limit)  # type: ignore[arg-type]
    assert len(book) == 1


def test_prices_that_are_set() -> None:
    book = OrderBook(10, tick_size=5)
    assert (book.reference_price, book.last_price) == (None, None)
    book.set_price(PriceKind.REFERENCE, 100)
    book.set_price(2, 105)
    book.set_price(PriceKind.LOW, 90)
    book.set_price(PriceKind.HIGH, 110)
    assert (book.reference_price, book.last_price) == (100, 105)
    book.add_order(1, BID, 110, 5)
    for price in (85, 115):
        with pytest.raises(PriceOutsideBand, match="give one from 90 to 110"):
            book.add_order(2, BID, price, 5)
    book.set_price(PriceKind.HIGH, 105)
    assert book.best_bid == 110
    book.check()


@pytest.mark.parametrize("kind", [PriceKind.LOW, PriceKind.HIGH])
def test_the_band_keeps_a_price(kind: PriceKind) -> None:
    book = OrderBook(10, low_price=90, high_price=110)
    with pytest.raises(InvalidPrice, match="would leave no price in the band"):
        book.set_price(kind, 111 if kind is PriceKind.LOW else 89)
    book.set_price(kind, 110 if kind is PriceKind.LOW else 90)


def test_prices_that_cannot_be_set() -> None:
    book = OrderBook(10, tick_size=5)
    for kind in (0, 5, "last", None, Phase.HALTED):
        with pytest.raises(InvalidSetting):
            book.set_price(kind, 100)  # type: ignore[arg-type]
    for price in (101, 2**63, None, 1.0):
        with pytest.raises(InvalidPrice):
            book.set_price(PriceKind.LAST, price)  # type: ignore[arg-type]
    for flags, price, reason in ((0, 100, "MALFORMED"), (5, 100, "MALFORMED"), (2, 101, "INVALID_PRICE")):
        assert run(book, CommandType.SET_PRICE, flags=flags, price=price)[0][-1] == reason


def test_a_last_price_triggers_stops() -> None:
    book = OrderBook(10)
    book.add_order(1, BID, 100, 5, order_type=STOP_LIMIT, trigger_price=105)
    book.set_price(PriceKind.LAST, 105)
    assert book.best_bid == 100


def test_a_band_over_all_prices() -> None:
    book = OrderBook(10)
    book.set_price(PriceKind.LOW, -(2**63))
    book.set_price(PriceKind.HIGH, 2**63 - 1)
    book.add_order(1, BID, -(2**63), 5)
    book.add_order(2, ASK, 2**63 - 1, 5)
    book.check()
