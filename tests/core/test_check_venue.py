"""``check`` finds what is broken of a book with a venue: each record of a sound book is spoilt in turn."""

from collections.abc import Callable
from typing import Any

import pytest

from pricetime import ASK, BID, Engine, Instruction, Instrument, OrderType, Phase, TimeInForce
from tests.core.spoilt import Row, add, check_is_named, each, itself, put, uncompiled_only

pytestmark = uncompiled_only

STOP_LIMIT, MARKET = OrderType.STOP_LIMIT, OrderType.MARKET
GTD, DAY, GFA = TimeInForce.GTD, TimeInForce.DAY, TimeInForce.GFA


def sound_books() -> Any:
    """A book in a call phase, and one with waiting orders, icebergs and orders that end; and freed slots."""
    engine = Engine([Instrument(0, phase=Phase.PRE_OPEN), Instrument(1, venue={"all_or_none": True})], capacity=40)
    call, book = engine.book(0), engine.book(1)
    call.add_order(1, BID, None, 5, order_type=MARKET)
    call.add_order(2, ASK, None, 5, order_type=OrderType.MARKET_TO_LIMIT)
    call.add_order(3, BID, 100, 5, time_in_force=GFA)
    call.add_order(4, BID, 100, 5, instructions=Instruction.AT_THE_OPEN)
    call.add_order(5, ASK, None, 5, order_type=MARKET, instructions=Instruction.AT_THE_CLOSE)
    book.add_order(10, BID, 100, 5)
    book.add_order(11, BID, 100, 30, display_quantity=10)
    book.add_order(12, BID, 103, 5, order_type=STOP_LIMIT, trigger_price=102)
    book.add_order(13, ASK, None, 5, order_type=OrderType.STOP, trigger_price=90, protection=2)
    book.add_order(14, BID, 105, 5, instructions=Instruction.ALL_OR_NONE)
    for number, expiry in ((20, 50), (21, 40), (22, 60), (23, 30)):
        book.add_order(number, ASK, 110, 5, time_in_force=GTD, expiry_ns=expiry)
    for number in (30, 31, 32):
        book.add_order(number, ASK, 111, 5, time_in_force=DAY)
    for number in (40, 41):
        book.add_order(number, BID, 99, 20, display_quantity=5, time_in_force=DAY)
        book.cancel_order(number)
    engine.check()
    return engine


def order(order_id: int) -> Callable[[Any], Any]:
    return lambda books: books.orders[slot_of(books, order_id)]


def extra(order_id: int) -> Callable[[Any], Any]:
    return lambda books: books.extras[slot_of(books, order_id)]


def cold(order_id: int) -> Callable[[Any], Any]:
    return lambda books: books.cold[slot_of(books, order_id)]


def level(order_id: int) -> Callable[[Any], Any]:
    return lambda books: books.levels[order(order_id)(books).level]


def slot_of(books: Any, order_id: int) -> int:
    slot: int = books.find(books.books[order_id >= 10], order_id)
    return slot


def venue(books: Any) -> Any:
    return books.books[1].venue


def call(books: Any) -> Any:
    return books.books[0].venue


def queue(books: Any) -> Any:
    """The first queue of the first book: its market orders to buy."""
    return books.levels[call(books).queues[0]]


def hide(books: Any) -> None:
    books.hidden[order(11)(books).level] += 1


def swap_in_the_heap(books: Any) -> None:
    heap = venue(books).heap
    for name in ("expiry_ns", "entered", "slot"):
        first, second = getattr(heap[1], name), getattr(heap[2], name)
        setattr(heap[1], name, second)
        setattr(heap[2], name, first)
    books.extras[heap[1].slot].heap, books.extras[heap[2].slot].heap = 1, 2


def turn_the_days(books: Any) -> None:
    """The first DAY order comes last."""
    first, last = venue(books).first_day, venue(books).last_day
    second = books.extras[first].later
    venue(books).first_day, books.extras[second].earlier = second, 0
    books.extras[last].later, books.extras[first].earlier = first, last
    venue(books).last_day, books.extras[first].later = first, 0


def free(books: Any) -> Any:
    return books.extras[books.free_order]


SPOILT: list[Row] = [
    (put(level(10), "place", 5), "knows its place"),
    (put(level(12), "place", 0), "knows its place"),
    (hide, "adds up what its orders hide"),
    (put(queue, "place", 0), "knows its place"),
    (put(queue, "side", 2), "knows its side"),
    (add(queue, "count", 1), "counts them"),
    (add(queue, "quantity", 1), "adds up their quantities"),
    (lambda books: books.hidden.__setitem__(call(books).queues[0], 1), "adds up nothing that is hidden"),
    (lambda books: call(books).queues.__setitem__(0, 3), "behind the pool of levels"),
    (put(call, "collecting", 0), "has collected orders"),
    (put(venue, "collecting", 1), "does not match"),
    (add(venue, "special", 1), "counts its special orders"),
    (add(venue, "waiting", 1), "counts the orders that wait"),
    (add(call, "for_auction", 1), "that are for one auction"),
    (put(lambda books: books.books[1], "ruled", 0), "is ruled if something in it needs the rules"),
    (put(extra(12), "entered", 1), "entry numbers are given once"),
    (put(venue, "entries", 3), "entry numbers are given once"),
    (put(extra(10), "special", 1), "counts its special orders"),
    (put(cold(10), "time_in_force", 1), "is special if its terms or its place are"),
    (put(extra(10), "entered", 99), "has an entry number if it is special"),
    (put(extra(10), "cancels", 1), "does not count mass cancels"),
    (put(extra(10), "unnamed", 1), "has its id in the table"),
    (put(extra(10), "expiry_ns", 5), "has an expiry time if it is GTD"),
    (put(extra(20), "expiry_ns", 0), "has an expiry time if it is GTD"),
    (put(extra(10), "hidden", 1), "adds up what its orders hide"),
    (put(extra(12), "hidden", 1), "the market sees nothing of it"),
    (put(extra(1), "hidden", 1), "hides nothing"),
    (put(cold(10), "order_type", 1), "is one for its place"),
    (put(cold(1), "order_type", 0), "is one for its place"),
    (put(cold(12), "order_type", 0), "is one for its place"),
    (put(cold(5), "instructions", 2), "is one for its place"),
    (put(cold(14), "instructions", 0), "is one for its place"),
    (put(extra(12), "trigger_price", 7), "waits at its trigger price"),
    (put(extra(11), "trigger_price", 7), "waits for no trigger price"),
    (put(extra(11), "price", 7), "has its price from its level, or none"),
    (add(venue, "heap_count", -1), "the GTD orders and no others"),
    (put(extra(21), "heap", 7), "knows its position in the heap"),
    (put(extra(21), "expiry_ns", 1), "has its expiry time in the heap"),
    (swap_in_the_heap, "ends after the one above it"),
    (put(extra(31), "earlier", 0), "knows the DAY order before it"),
    (turn_the_days, "in order of entry"),
    (put(venue, "last_day", 0), "knows its last DAY order"),
    (put(extra(31), "later", 0), "knows its last DAY order"),
    (lambda books: setattr(venue(books), "first_day", slot_of(books, 10)), "in the list of DAY orders once"),
    (put(venue, "traded", 1), "no command is unfinished"),
    (put(free, "filled", 1), "has no extras"),
    (add(itself, "unlevelled", 1), "not at a level are counted"),
    (add(itself, "refreshes", 1), "refreshes that are left are counted"),
    (add(itself, "waiting_levels", 1), "levels of waiting orders are counted"),
]


@each(SPOILT)
def test_what_is_broken_is_named(spoil: Callable[[Any], None], broken: str) -> None:
    check_is_named(sound_books(), spoil, broken)


def test_a_level_that_hides_all() -> None:
    engine = sound_books()
    books: Any = engine.books
    slot = slot_of(books, 11)
    books.hidden[books.orders[slot].level] += books.orders[slot].remaining - books.extras[slot].hidden
    books.extras[slot].hidden = books.orders[slot].remaining
    with pytest.raises(AssertionError, match="displays a lot"):
        engine.check()


def test_a_free_level_that_hides() -> None:
    engine = sound_books()
    books: Any = engine.books
    books.hidden[books.free_level] = 1
    with pytest.raises(AssertionError, match="a free level hides nothing"):
        engine.check()


def test_an_order_listed_twice() -> None:
    engine = sound_books()
    books: Any = engine.books
    books.extras[venue(books).last_day].later = venue(books).first_day
    with pytest.raises(AssertionError, match="in the list of DAY orders once"):
        engine.check()


def test_a_day_order_that_is_lost() -> None:
    engine = sound_books()
    books: Any = engine.books
    last = venue(books).last_day
    venue(books).last_day = books.extras[last].earlier
    books.extras[venue(books).last_day].later = 0
    with pytest.raises(AssertionError, match="are in their list, and no others"):
        engine.check()
