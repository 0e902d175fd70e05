"""Engines of random instruments against one reference book for each, by batches of random sizes."""

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest

from pricetime import ALL_INSTRUMENTS, COMMAND, COMPILED, REPORT, CommandType, Engine, Instrument, OwnerLimits
from pricetime.types import GTC_AND_GTD, ReportKind
from tests.books import command, state
from tests.engines import ReferenceEngine, random_commands, random_instruments
from tests.fuzz.flow import random_limits


@pytest.mark.parametrize("seed", range(40))
def test_random_flows(seed: int) -> None:
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    room: dict[str, Any] = {"capacity": rng.choice([3, 20, 200]), "level_capacity": rng.choice([2, 10, 200])}
    room["owner_limit"] = rng.choice([0, 2, 25])
    limits = random_limits(rng, room["owner_limit"])
    reference = ReferenceEngine(instruments, **room, limits=limits)
    engine = Engine(instruments, **room, limits=limits)
    sizes = rng.choices([0, 1, 2, 12, 13, 60], k=12)
    flow = random_commands(rng, sum(sizes), reference)
    for size in sizes:
        batch, expected = [np.zeros(0, COMMAND)], [np.zeros(0, REPORT)]
        for _ in range(size):
            batch.append(next(flow))
            expected.append(reference.apply(batch[-1]))
        assert engine.apply(np.concatenate(batch)).tolist() == np.concatenate(expected).tolist()
        assert engine.digest() == reference.digest()
        for number, book in reference.books.items():
            assert state(engine.book(number)) == state(book)
        if rng.random() < 0.2:
            engine = copy.copy(engine) if rng.random() < 0.5 else pickle.loads(pickle.dumps(engine))
    assert len(engine) == sum(map(len, reference.books.values()))


#: Flows of the test below, and steps from one look at every invariant to the next: uncompiled those take the time.
FLOWS, CHECK_EVERY = (20, 1) if COMPILED else (10, 8)

#: What owners do there, and how often.
ACTS = {
    CommandType.NEW_ORDER: 60,
    CommandType.CANCEL_ORDER: 8,
    CommandType.REDUCE_ORDER: 8,
    CommandType.REPLACE_ORDER: 16,
    CommandType.REPLACE_ORDER_AS: 8,
    CommandType.MASS_CANCEL: 4,
    CommandType.CONTINUE: 6,
    CommandType.SET_PHASE: 1,
}

#: Those that are about all orders of an owner.
MASS = (CommandType.MASS_CANCEL, CommandType.CONTINUE)


@pytest.mark.parametrize("seed", range(FLOWS))
def test_owners_with_orders_in_several_books(seed: int) -> None:
    """Few owners, few prices, all well formed: chains grow long, over all books, and are taken apart in every way."""
    rng = random.Random(seed)
    instruments = [Instrument(number, self_trade=rng.randint(1, 6)) for number in (5, 0, 9)]  # type: ignore[arg-type]
    rules = {"capacity": 300, "owner_limit": 4}
    limits = {0: OwnerLimits(open_orders=9, quantity=8, price_distance=12), 3: OwnerLimits()} if seed % 2 else {}
    reference = ReferenceEngine(instruments, **rules, limits=limits)
    engine = Engine(instruments, **rules, limits=limits)
    together = in_parts = 0
    for step in range(800):
        [kind] = rng.choices(list(ACTS), list(ACTS.values()))
        number = rng.choice(instruments).id
        resting = list(reference.books[number].by_id) or [0]
        asked = command(
            kind,
            instrument=rng.choice([number, ALL_INSTRUMENTS]) if kind in MASS else number,
            order_id=step if kind == CommandType.NEW_ORDER else rng.choice(resting),
            side=rng.choice([0, 1, 2]) if kind in MASS else rng.choice([1, 2]),
            tag=rng.choice([0, 1, 1, 2, 2, 5, 20]) if kind in MASS else 0,
            price=100 + rng.randint(-9, 9),
            quantity=rng.randint(1, 9),
            owner=step if kind == CommandType.REPLACE_ORDER_AS else rng.choice([0, 1, 1, 2, 3, 4]),
            flags=rng.random() < 0.2 if kind == CommandType.SET_PHASE else 0,
        )
        if kind in (CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER, CommandType.REPLACE_ORDER):
            asked["owner"] = 0
        if kind in MASS:
            asked["quantity"] = GTC_AND_GTD if asked["quantity"] > 7 else 0
        if kind == CommandType.CONTINUE and reference.unfinished and rng.random() < 0.9:
            asked["owner"] = rng.choice(list(reference.unfinished))
        reports = engine.apply(asked)
        assert reports.tolist() == reference.apply(asked).tolist()
        if step % CHECK_EVERY == 0:
            engine.check()
        assert engine.digest() == reference.digest()
        together += kind == CommandType.MASS_CANCEL and len(set(reports["instrument"][:-1].tolist())) > 1
        if rng.random() < 0.02:
            engine = copy.copy(engine) if rng.random() < 0.5 else pickle.loads(pickle.dumps(engine))
        assert engine.unfinished() == sorted(reference.unfinished)
        in_parts += kind == CommandType.CONTINUE and reports["kind"][0] != ReportKind.REJECTED
    engine.check()
    assert together > 0 or limits
    assert in_parts > 0
