"""A state that goes through records is the same state: it answers whatever comes next as the original does."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pricetime import ALL_INSTRUMENTS, COMPILED, CommandType, Engine, Instrument
from tests.books import command, dumped, state
from tests.engines import ReferenceEngine, random_commands, random_instruments

#: Commands that both must answer alike afterwards.
AFTER = 1000 if COMPILED else 200


def everything_off() -> list[np.ndarray[Any, Any]]:
    """Mass cancels of all owners: their reports show each one's orders by age."""
    return [command(CommandType.MASS_CANCEL, instrument=ALL_INSTRUMENTS, owner=owner) for owner in range(25)]


@pytest.mark.parametrize("seed", range(40))
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
