"""Engines of random instruments against one reference book for each, by batches of random sizes."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest

from pricetime import COMMAND, REPORT, Engine
from tests.books import state
from tests.engines import ReferenceEngine, random_commands, random_instruments


@pytest.mark.parametrize("seed", range(40))
def test_random_flows(seed: int) -> None:
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    room = {"capacity": rng.choice([3, 20, 200]), "level_capacity": rng.choice([2, 10, 200])}
    room["owner_limit"] = rng.choice([0, 2, 25])
    reference = ReferenceEngine(instruments, **room)
    engine = Engine(instruments, **room)
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
