"""Random calls of every kind for a book with a venue: results and errors are those of the reference."""

import random

import pytest

from pricetime import COMPILED
from pricetime.errors import PricetimeError
from tests.books import play, state
from tests.properties.test_venue_flow import pair
from tests.properties.venue_steps import next_step
from tests.reference.venue_flow import Flow, random_settings

SEEDS = range(300) if COMPILED else range(20)
LENGTH = 120


@pytest.mark.parametrize("seed", SEEDS)
def test_calls(seed: int) -> None:
    rng = random.Random(seed)
    reference, book = pair(random_settings(rng))
    flow = Flow(rng, all_or_none=reference.venue.all_or_none)
    for number in range(LENGTH):
        step = next_step(flow, list(reference.by_id), rng)
        expected = play(reference, step)
        before = None if COMPILED else book.digest()
        assert play(book, step) == expected, (number, step)
        if isinstance(expected, type) and issubclass(expected, PricetimeError):
            assert before in (None, book.digest())
        for order_id in list(reference.by_id)[:3]:
            assert book.order(order_id) == reference.order(order_id)
            assert book.queue_position(order_id) == reference.queue_position(order_id)
        if number % 20 == 0:
            assert state(book) == state(reference)
    assert state(book) == state(reference)
