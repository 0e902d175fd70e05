"""Random commands of every kind for a book with a venue: the core and the reference give identical reports."""

import random
from typing import Any

import pytest

from pricetime import COMPILED, OrderBook
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from tests.counts import count
from tests.reference.venue_flow import Flow, random_settings

SEEDS = range(count(100, 300)) if COMPILED else range(20)
LENGTH = 150


def pair(settings: dict[str, Any]) -> tuple[ReferenceBook, OrderBook]:
    """A reference book and a book of the core with the same settings; no limit is a large one."""
    given = {name: value for name, value in settings.items() if value is not None}
    room = {"capacity": LENGTH * 2, "level_capacity": LENGTH * 2}
    return ReferenceBook(**settings), OrderBook(**room | given)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_commands(seed: int) -> None:
    rng = random.Random(seed)
    reference, book = pair(random_settings(rng))
    flow = Flow(rng, all_or_none=reference.venue.all_or_none)
    first = 1
    for number in range(LENGTH):
        commands = flow.next(list(reference.by_id))
        expected = apply(reference, commands, first=first)
        assert book.apply(commands).tobytes() == expected.tobytes(), (number, commands)
        first += len(expected)
        assert (len(book), book.digest()) == (len(reference), reference.digest())
        assert book.indicative() == reference.indicative()
        assert (book.phase, book.last_price) == (reference.phase, reference.last)
        assert book.reference_price == reference.reference
        if number % 10 == 0:
            book.check()
    book.check()
