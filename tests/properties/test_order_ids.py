"""Order ids chosen to collide in their table, by someone who knows the number that spreads them."""

import random
from collections.abc import Iterator

import pytest

from pricetime import COMPILED, OrderBook, Side
from pricetime.native.spread import id_multiplier
from tests.books import play
from tests.properties.side_by_side import SideBySide


def ids_spread_to(top: int, bits: int, rng: random.Random) -> Iterator[int]:
    """Ids whose block of eight, times the multiplier, begins with these bits: all have one home."""
    back = pow(id_multiplier(), -1, 1 << 64)
    while True:
        block = (top << (64 - bits) | rng.getrandbits(64 - bits)) * back % (1 << 64)
        if block < 1 << 61:
            yield block << 3 | rng.randrange(8)


@pytest.mark.parametrize("capacity", [64, 300], ids=["a table that grows once", "a table that grows twice"])
@pytest.mark.parametrize("top", ["first line of the table", "somewhere", "last line"])
@pytest.mark.parametrize("bits", [29, 4], ids=["the whole tag", "the line"])
def test_ids_that_collide(bits: int, top: str, capacity: int) -> None:
    """29 bits and the place in the block are all that an entry keeps; 4 bits choose one of 16 lines."""
    rng = random.Random(f"{bits} {top}")
    wanted = {"first line of the table": 0, "somewhere": (1 << bits) * 5 // 16, "last line": (1 << bits) - 1}[top]
    drawn = ids_spread_to(wanted, bits, rng)
    ids = list(dict.fromkeys(next(drawn) for _ in range(120)))
    books = SideBySide(capacity=capacity)
    for turn in range(1500 if COMPILED else 400):
        order_id = rng.choice(ids)
        if order_id not in books.reference:
            books.step(("add_order", {"order_id": order_id, "side": 1, "price": rng.randrange(9), "quantity": 5}))
        elif rng.random() < 0.5:
            books.step(("cancel_order", {"order_id": order_id}))
        else:
            given = {"order_id": order_id, "price": rng.randrange(9), "quantity": 5, "new_id": rng.choice(ids)}
            books.step(("replace_order", given))
        if turn % 50 == 0:
            books.compare()
    assert len(books.reference) > 30
    for order_id in ids:
        assert play(books.called, ("order", {"order_id": order_id})) == play(
            books.reference, ("order", {"order_id": order_id})
        )


@pytest.mark.parametrize("step", [1, 8, 0x9E3779B97F4A7C15], ids=["one by one", "one in each block", "scattered"])
def test_a_growing_table(step: int) -> None:
    """It holds every id while it grows, also if orders leave in the meantime: ``check`` looks each of them up."""
    book = OrderBook(2_000)
    ids = [step * i % 2**64 for i in range(600)]
    gone = set()
    for i, order_id in enumerate(ids):
        book.add_order(order_id, Side.BID, i % 7, 1)
        if i % 3 == 2:
            gone.add(ids[i // 2])
            book.cancel_order(ids[i // 2]) if ids[i // 2] in book else None
        if i < 80 or 250 < i < 340 or i % 50 == 0:
            book.check()
    assert all((order_id in book) == (order_id not in gone) for order_id in ids)
    for order_id in ids:
        if order_id in book:
            book.cancel_order(order_id)
    book.check()
    assert len(book) == 0
