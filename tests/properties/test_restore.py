"""A state that goes through records is the same state: it answers whatever comes next as the original does."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pricetime import ALL_INSTRUMENTS, COMPILED, CommandType, Engine, Instrument
from pricetime.errors import PricetimeError
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.reference.queues import mix
from pricetime.types import GTC_AND_GTD
from tests.books import command, dumped, state
from tests.counts import count
from tests.engines import ReferenceEngine, random_commands, random_instruments
from tests.reference.venue_flow import Flow, random_settings

#: Commands that both must answer alike afterwards.
AFTER = 1000 if COMPILED else 200


def everything_off() -> list[np.ndarray[Any, Any]]:
    """Mass cancels of all owners: their reports show each one's orders by age."""
    return [command(CommandType.MASS_CANCEL, instrument=ALL_INSTRUMENTS, owner=owner) for owner in range(25)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(count(15, 40) if COMPILED else 40))
def test_the_next_commands_are_answered_alike(seed: int) -> None:
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    room: dict[str, Any] = {"capacity": rng.choice([20, 200, 600]), "level_capacity": rng.choice([10, 200])}
    room["owner_limit"] = rng.choice([0, 2, 25])
    reference, engine = ReferenceEngine(instruments, **room), Engine(instruments, **room)
    before = rng.choice([0, 30, 400])
    flow = random_commands(rng, before + AFTER, reference)
    for _ in range(before):
        row = next(flow)
        reference.apply(row)
        engine.apply(row)
    other = Engine(rng.sample(instruments, len(instruments)), **room)
    other.restore(engine.dump(), engine.seq_num)
    assert dumped(other) == dumped(engine)
    assert other.digest() == engine.digest()
    for number in reference.books:
        assert state(other.book(number)) == state(engine.book(number))
    rows = []
    for _ in range(AFTER):
        rows.append(next(flow))
        reference.apply(rows[-1])
    last = np.concatenate([*rows, *everything_off()])
    assert other.apply(last).tobytes() == engine.apply(last).tobytes()
    other.check()
    assert other.digest() == engine.digest()


@pytest.mark.parametrize("seed", range(20))
def test_under_other_rules_the_same_rests(seed: int) -> None:
    rng = random.Random(1000 + seed)
    instruments = [Instrument(number, self_trade=rng.randint(1, 6)) for number in (3, 0, 70)]  # type: ignore[arg-type]
    reference = ReferenceEngine(instruments, capacity=300, owner_limit=25)
    engine = Engine(instruments, capacity=300, owner_limit=25)
    for row in random_commands(rng, 400, reference):
        reference.apply(row)
        engine.apply(row)
    rules: dict[str, Any] = {"tick_size": 1000, "lot_size": 1000, "low_price": 7, "high_price": 8, "order_limit": 1}
    other = Engine([replace(i, **rules) for i in instruments], capacity=300, owner_limit=25)
    other.restore(engine.dump(), engine.seq_num)
    other.check()
    assert dumped(other) == dumped(engine)
    last = np.concatenate(everything_off())
    assert other.apply(last).tobytes() == engine.apply(last).tobytes()


def venue_engine(settings: dict[str, Any], phase: int = 0) -> Engine:
    """An engine with one book of these settings."""
    names = ("self_trade", "replace_policy", "low_price", "high_price")
    rules = {name: settings[name] for name in names if name in settings}
    instrument = Instrument(0, venue=settings["venue"], phase=phase, **rules)  # type: ignore[arg-type]
    limits = {"level_capacity": 1000, "refresh_limit": 10**6}
    room: dict[str, Any] = {name: settings[name] or most for name, most in limits.items()}
    return Engine([instrument], capacity=settings["capacity"] or 1000, owner_limit=settings["owner_limit"], **room)


def cancels_in_parts(rng: random.Random) -> np.ndarray[Any, Any]:
    """A mass cancel that is unfinished if its owner has more than one order, or the next part of one."""
    kind = rng.choice([CommandType.MASS_CANCEL, CommandType.CONTINUE])
    return command(kind, owner=rng.randint(1, 4), tag=1, quantity=rng.choice([0, GTC_AND_GTD]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(count(30, 80) if COMPILED else 15))
def test_books_with_the_rules_of_a_venue_are_answered_alike(seed: int) -> None:
    """In whatever phase, with icebergs, stop orders and mass cancels under way, after every tenth command."""
    rng = random.Random(seed)
    settings = random_settings(rng)
    book = ReferenceBook(**settings)
    flow = Flow(rng, all_or_none=book.venue.all_or_none)
    engine = venue_engine(settings)
    for step in range(150):
        rows = cancels_in_parts(rng) if rng.random() < 0.05 else flow.next(list(book.by_id))
        apply(book, rows)
        expected = engine.apply(rows)
        if step % 10 == 9:
            other = venue_engine(settings, phase=rng.randrange(7))
            other.restore(engine.dump(), engine.seq_num, engine.next_reference)
            other.check()
            assert dumped(other) == dumped(engine)
            assert other.digest(references=True) == engine.digest(references=True)
            engine = other
        assert len(engine) == len(book), expected
    assert engine.digest() == mix(mix(0, 0), book.digest())


@pytest.mark.parametrize("seed", range(40))
def test_records_with_a_wrong_field_are_refused_or_make_a_book_that_is_whole(seed: int) -> None:
    rng = random.Random(seed)
    settings = random_settings(rng)
    book = ReferenceBook(**settings)
    flow = Flow(rng, all_or_none=book.venue.all_or_none)
    engine = venue_engine(settings)
    for _ in range(60):
        rows = flow.next(list(book.by_id))
        apply(book, rows)
        engine.apply(rows)
    records = engine.dump()
    for _ in range(40):
        part = rng.choice(["resting", "resting", "instruments"])
        wrong = getattr(records, part).copy()
        if not len(wrong):
            continue
        name = rng.choice(wrong.dtype.names)
        wrong[name][rng.randrange(len(wrong))] = rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 100, 2**7])
        other = venue_engine(settings)
        try:
            other.restore(records._replace(**{part: wrong}))
        except PricetimeError:
            assert len(other) == 0
            other.check()
        else:
            other.check()
            other.apply(flow.next(list(book.by_id)))
            other.apply(command(CommandType.MASS_CANCEL, instrument=ALL_INSTRUMENTS, owner=1))
            other.check()
