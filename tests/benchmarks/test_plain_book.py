"""The book in plain Python is a fair opponent: it makes the trades of the reference."""

from __future__ import annotations

import random

import pytest

from benchmarks.plain_book import PlainBook
from pricetime import ASK, BID
from pricetime.reference import ReferenceBook


@pytest.mark.parametrize("seed", range(10))
def test_it_trades_as_the_reference_does(seed: int) -> None:
    rng = random.Random(seed)
    plain, reference = PlainBook(), ReferenceBook()
    for order_id in range(1_000):
        new_id = order_id
        if len(reference) and rng.random() < 0.4:
            resting = rng.choice(list(reference.by_id))
            assert plain.cancel_order(resting) == reference.cancel_order(resting)
            new_id = resting if rng.random() < 0.5 else new_id
        order = (new_id, rng.choice([BID, ASK]), rng.randrange(90, 110), rng.randint(1, 20))
        assert plain.add_order(*order) == list(reference.add_order(*order).trades)
        assert len(plain) == len(reference)


def test_it_rejects_a_duplicate_and_an_order_without_quantity() -> None:
    book = PlainBook()
    book.add_order(1, BID, 100, 5)
    for order_id, quantity in ((1, 5), (2, 0)):
        with pytest.raises(ValueError, match="is resting, or quantity"):
            book.add_order(order_id, BID, 100, quantity)
